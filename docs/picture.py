"""Draw docs/quickstart.svg: the closing table of a real record, as the terminal shows it.

Run by hand after the quickstart: `.venv/bin/python docs/picture.py records/local/DATE_quickstart`. Shows what is in
the record's results.json and nothing else.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from rich.console import Console

from reports.terminal.summary import terminal_summary
from runner.results import RecordData


def main(record: Path) -> None:
    """Write the picture of one record folder."""
    data = RecordData.model_validate_json((record / "results.json").read_bytes())
    with Path("/dev/null").open("w") as nowhere:
        console = Console(record=True, width=100, file=nowhere, force_terminal=True)
        console.print(terminal_summary(data, Path(*record.parts[-3:])))
        picture = console.export_svg(title="make demo")
    # No fonts from elsewhere: whoever looks at the picture fetches nothing.
    own = re.sub(r"@font-face \{.*?\}\s*", "", picture, flags=re.DOTALL)
    Path(__file__).with_name("quickstart.svg").write_text(own)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
