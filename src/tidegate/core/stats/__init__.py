"""Mathematics on mergeable sums: e-processes, confidence sequences, sample-ratio checks, power.

The heart is one idea. A request is given its arm by a coin of known probability rho, so if the candidate changes nothing, the
arm is still a rho-coin *given* what was observed of the request, whatever the traffic does: bursts, nights, shared incidents.
So we bet on the arm given the mark. The wealth of such a bettor is an e-process: with probability 1 - alpha it never reaches
1 / alpha, however often anyone looks. Every bet here is linear in counts, so evidence is computed from sums, and merging sums
is addition.

    logspace     sums of exponentials and Beta functions, in logarithms
    tally        sums of a release as arrays: rows, epochs
    bets         the factors by which one request multiplies the wealth, for each kind of question
    wealth       from factors and counts to an e-value: mixture over the bets, and over when the harm began
    comparison   one mark (bad, or wrong) compared between the arms over a whole release
    blocks       from when on what is bet was learned from which minutes
    larger       a time or a loss, seen in buckets: is the candidate's larger
    ahead        what either leaves behind, to see what has come since without reading everything again
    shift        how far the predictions of both arms are apart
    drift        has a column moved between two profiles, and by how much at least; effects: of all columns at once
    stacks       profiles of all columns as arrays
    excess       by how much more one has of a set of classes, chosen after looking; lasting: what moves little but for good
    counting     values of a column as they come, told apart and counted; streamed: of any number of rows
    sketches     quantiles and how many different values, where no frame is
    seasons      what a window of time is held against
    calibration  what is usual of statistics by their own history, and when they are more
    betabinomial two-sided Beta-binomial e-process: sample-ratio checks, plain risk-ratio intervals
    intervals    risk ratio over a ramp, and a share's interval, for people to read
    shares       one mark against a fixed share: shadow disagreement, a level
    paired       of two answers to one input, which is wrong more often
    means        the difference of two means, with an asymptotic confidence sequence: posted metrics
    bounded      the same by betting, exact, where values lie within limits: shares
    cuped        a metric adjusted by what its units were like before the test
    metrics      how good predictions were: AUC, Brier, recall, errors, each with an interval, of weighted rows
    arrival      when labels come: the law of their lag, and what those that are here have to stand for
    isotonic     scores as chances, by what came of them
    estimated    how good predictions probably are, from calibrated chances alone
    multiclass   the same of probabilities of several classes, and how good these were
    worsening    whether something has come to be worse than it was, watched without end
    power        how many more requests a proof needs; excess harm
    thinning     traffic of one version parted between two arms by coins thrown anew, and one arm spoilt by a fault

Who calls it: `core.decide.judge`, `control.batch`, and the analyst benchmark. Input: `vocabulary.sums`.

Deliberately not here: p-values; rows, but for the arrays of `metrics` and its neighbours; a clock, or chance that is no
argument; decisions, thresholds and words (they are `core.decide`'s); a cap on the bets against overshoot, because it needs the
wealth before each request and is not linear in counts. Formulas and sources: docs/rooms/stats.md.
"""
