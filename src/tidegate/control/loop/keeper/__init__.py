"""The keeper: what `tidegate up` is. Starts and restarts every process from its specification on disk. Standard library only.

Who calls it: the command line (`process.run` in the foreground, `process.detach` behind, `process.alive`, `process.stop`).
The local target and `core` write specifications; nobody else tells the keeper anything.

    process     run, detach, alive, stop: from outside
    core        the specifications of Tidegate's own processes
    turns       one turn of its loop: what has a specification runs, what has none is stopped; and the order of ending
    instance    one process under it: adopted or its own child, begun, ended, stopped
    bounds      what a worker may use: memory, CPU, open files
    cgroups     the kernel's own bounds, where this account may set them
    strays      what a worker has started and left behind
    histories   how often something ended, and when it may begin again (pure)
    sockets     the listening sockets, which outlive gateways and pass from one keeper to the next
    renewal     the keeper replaced by the installed code, in place
    signals     SIGCHLD, SIGTERM and SIGINT as something a loop can wait for; being a subreaper
    logfiles    where a process's output goes, kept short

An instance is alive exactly while it holds the lock on its lock file, so a keeper that was killed loses nothing: its
successor finds the living by their locks, gets the listening sockets back from a gateway, and starts nothing twice. No
process dies because the keeper did.

Deliberately not here: which processes there should be (control decides, by the target), health beyond being alive
(gateways see it), routing, and anything that needs more than the standard library: the keeper must come up when the
rest cannot.
"""
