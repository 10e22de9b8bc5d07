"""The command line, and the only place where adapters are wired together.

    main      the program: finds the command, runs it, turns errors into one line and an exit code
    table     every command with its one-line help and where its function is; nothing is imported for `--help`
    commands  one module a command, imported when it is called
    process   `python -m tidegate.interface.cli.process KIND HOME NAME`: what the keeper starts
    wiring    which adapters each of these processes gets

and what commands share, a noun each:

- `options`, `exits` (exit codes), `project` (the tidegate.yaml at hand), `reaching` (the API, or the files: `offline`), `curl`
- `screen` (the terminal), `words` (numbers and times), `views` (what a command shows), `following` (a release, live), `narrator`
  (what `up` says), `course` (what `plan` shows)
- `starting`, `upgrading`, `housing` (which store it is), `doors` (how clients come in), `override` (rollback by hand)
- `joint` (releases that belong together), `itself` (releases of a version against itself), `foreseeing` (what checks will say)
- `logbook` (log lines for people), `sightings` (one request across processes), `logged` (which part of it is meant), `truths`
  (outcomes from files, to the gateway)
- `traffic` and `aiming` (where it goes), `examinations` and `isolation` with their `findings` (doctor)

Who calls it: people, scripts and CI (exit codes and `--json` are stable, docs/cli.md), the keeper.

Deliberately not here: deciding anything. A command asks the control API; where that is down it reads the files, and
`rollback` writes the routing table, which is all that is needed to get traffic back.
"""
