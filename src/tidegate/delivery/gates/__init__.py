"""What a release has to get past before it may have traffic. A check looks and says what it saw; it changes nothing.

- `checking`: the list of checks, in order, and how they are run over one release
- `case`: what all of them are given; `findings`: what each of them says
- `contract`, `outputs`: the candidate takes all that stable takes, and answers in the same names, types, classes and shapes
- `requirements`: what the version depends on: `services` that have to answer, `tables` that have to be there, each asked under
  one of the `deadlines`; `secrets`: addresses that hold passwords, and words without them
- `steps`: changes of shared things that the version needs, and which of them is the point of no return
- `freezing`: the data the model came from, digested at the check and again before it is exposed
- `room`: whether both versions fit into memory at the most crowded stage; `memory`: how much is free

Called by `control.loop.checks` in a thread, and by `tidegate plan` for what can be seen beforehand. Not here: statistics,
comparing models on data sets, approvals, and anything that remembers: what is noted of a release is kept by who calls.
"""
