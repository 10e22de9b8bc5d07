"""Training the four versions, and measuring them offline as their authors do. What each one is: `recipes`."""

import dataclasses
import time

import numpy as np
import pandas as pd
from sklearn import compose, impute, linear_model, metrics, pipeline, preprocessing

from tidegate.interface.demo.flights import data, recipes

_HELD_OUT_DAYS = 7
_EXAMPLE_ROWS = 50
_SMOOTHING = 1.0
_ITERATIONS = 400
_OUTLIERS = 0.1


@dataclasses.dataclass(frozen=True)
class Trained:
    """A fitted pipeline and what is logged with it."""

    recipe: recipes.Recipe
    model: pipeline.Pipeline
    table: pd.DataFrame
    """What it was fitted on: the features and the label `late`."""
    example: pd.DataFrame
    """A few rows of that table, as its authors would pick them."""
    parameters: dict[str, object]
    metrics: dict[str, float]
    """Measured offline on the last week of its table, which it was not fitted on."""
    seconds: float


def train(recipe: recipes.Recipe, rows: pd.DataFrame) -> Trained:
    """Fit one version on `rows` (see `data.load`), all but the last week, and measure it on that week."""
    began = time.perf_counter()
    prepared = table(recipe, rows)
    last = prepared["departs"].max() - pd.Timedelta(days=_HELD_OUT_DAYS)
    fit, held_out = prepared[prepared["departs"] <= last], prepared[prepared["departs"] > last]
    columns = [*data.FEATURES, "late"]
    model = make(recipe).fit(fit[[*data.FEATURES]], fit["late"])
    return Trained(
        recipe=recipe,
        model=model,
        table=fit[columns].reset_index(drop=True),
        example=fit[[*data.FEATURES]].head(_EXAMPLE_ROWS).reset_index(drop=True),
        parameters={
            "months": ",".join(map(str, recipe.months)),
            "rows": len(fit),
            "C": _SMOOTHING,
            "imputer": "median",
            "table": "warehouse" if recipe.warehouse else "live",
            "label": "band >= 2" if recipe.renumbered else f"arr_delay > {data.LATE_MINUTES}",
        },
        metrics=measure(model, held_out[[*data.FEATURES]], held_out["late"].to_numpy()),
        seconds=time.perf_counter() - began,
    )


def table(recipe: recipes.Recipe, rows: pd.DataFrame) -> pd.DataFrame:
    """The table this version's authors worked with: FEATURES, `late`, `departs`, of the flights that landed."""
    landed = rows[rows["lands"].notna()]
    chosen = data.of_months(_clipped(landed) if recipe.warehouse else landed, *recipe.months)[
        [*data.FEATURES, "late", "arr_delay", "departs"]
    ]
    label = _band(chosen["arr_delay"]) >= 2 if recipe.renumbered else chosen["late"]
    return chosen.assign(late=np.asarray(label, dtype="int64")).drop(columns="arr_delay")


def make(recipe: recipes.Recipe) -> pipeline.Pipeline:
    """The pipeline before fitting: categories one-hot, numbers imputed, then logistic regression. v3 tames the delay first."""
    numbers = [*data.SCHEDULE, *data.WEATHER]
    parts = [("categories", preprocessing.OneHotEncoder(handle_unknown="ignore", sparse_output=False), [*data.CATEGORIES])]
    if recipe.warehouse:
        numbers.remove("dep_delay")
        tamed = pipeline.make_pipeline(preprocessing.MinMaxScaler(), preprocessing.FunctionTransformer(np.sqrt))
        parts.append(("delay", tamed, ["dep_delay"]))
    parts.append(("numbers", impute.SimpleImputer(strategy="median", add_indicator=True), numbers))
    return pipeline.make_pipeline(
        compose.ColumnTransformer(parts),
        preprocessing.StandardScaler(),
        linear_model.LogisticRegression(C=_SMOOTHING, max_iter=_ITERATIONS),
    )


def measure(model: pipeline.Pipeline, features: pd.DataFrame, late: np.ndarray) -> dict[str, float]:
    """Accuracy, area under the curve and log loss of P(late) on rows with a label."""
    chance = model.predict_proba(features)[:, 1]
    return {
        "accuracy": float(np.mean((chance >= 0.5) == (late == 1))),
        "auc": float(metrics.roc_auc_score(late, chance)),
        "log_loss": float(metrics.log_loss(late, chance)),
    }


def _clipped(rows: pd.DataFrame) -> pd.DataFrame:
    """What the nightly job leaves: no departure delay below the tenth percentile, which is 7 minutes early."""
    return rows.assign(dep_delay=rows["dep_delay"].clip(lower=rows["dep_delay"].quantile(_OUTLIERS)))


def _band(arr_delay: pd.Series) -> pd.Series:
    """The delay bands as they are numbered now: 0 up to 15 minutes late, 1 up to 60, 2 beyond."""
    return (arr_delay > data.LATE_MINUTES).astype("int64") + (arr_delay > 60).astype("int64")
