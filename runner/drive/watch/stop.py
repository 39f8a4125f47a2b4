"""Stop the driver of a run from another process, and wait until it and all that it started are gone."""

from __future__ import annotations

import time

import psutil

from runner.errors import UserError
from runner.folder.paths import RunFolder
from runner.folder.runs import driver_of

PATIENCE_S = 60.0


def stop_run(run: RunFolder, patience: float = PATIENCE_S) -> bool:
    """Ask the run's driver to stop; False where none was at work. UserError where it is elsewhere, or does not stop.

    The driver cancels its attempts, notes them in the ledger as interrupted and ends; a finished seed stays finished.
    """
    driver = driver_of(run)
    if driver is None or driver.lives() is False:
        return False
    if driver.lives() is None:
        raise UserError(f"{run.path.name}: its driver runs on {driver.host}; stop it there, or with --address")
    try:
        psutil.Process(driver.pid).terminate()
    except psutil.NoSuchProcess:
        return False
    give_up = time.monotonic() + patience
    while driver.lives():
        if time.monotonic() > give_up:
            raise UserError(f"{run.path.name}: process {driver.pid} was asked to stop and still runs; look at it")
        time.sleep(0.05)
    return True
