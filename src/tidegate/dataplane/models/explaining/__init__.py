"""Why one answer came out as it did: what each column of the input has contributed, so that the contributions add up to it.

They are Shapley values of the game "the answer, with some columns as they were and the others as in typical cases", over a
background of rows: interventional, so that what the model does not look at contributes nothing.

- `explainer`: which way is taken for which model, and what is said of the ways that were not
- `originals`: the model from which the one that serves was compiled, and whether both answer alike
- `cases`: the row and the background as columns, and every mixture of them as a batch for the model
- `subjects`: the number that is explained: the answer, the probability of the answered class, or whether the class holds
- `coalitions`: any model as a black box: all mixtures where they are few enough, else permutations in pairs. Pure
- `linear`: models that end in a linear one: exact, and over a logistic link by the rescale rule
- `trees`: trees, forests and boosters by shap's TreeExplainer, where shap is installed where the model runs
- `pipelines`: from what a pipeline's last step sees back to the columns that were sent
- `questions`: what the process is asked and answers, for one bundle and many requests

Runs the model, so only ever in a process of the bundle's own runtime without credentials (`delivery.registry explain`). Called by
`control.batch.explaining`. Imports what workers import; numpy, scikit-learn and shap only inside functions.

Not here: the log, what was logged, words for people.
"""
