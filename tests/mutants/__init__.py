"""Would the tests notice? Small faults put into the sources one at a time; the tests of that module run on each."""
