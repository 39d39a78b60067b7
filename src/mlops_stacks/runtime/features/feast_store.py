"""What Feast does for the runtime: the point-in-time join, and the online rows. Imported by short-lived processes only.

Feast's join pairs every question with every earlier row of its entity before it picks the latest. With hourly rows
that is thousands of pairs for each question. So the history is cut into windows of time, each of which begins with
the rows that hold at its start, and the window is one more key of the join: the answers are the same, and each
question meets a few rows only.
"""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import sqlite3
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlops_components.spec.feature import FeatureStoreRef, input_name, is_online, key_columns
from mlops_stacks.runtime.errors import ContractError, SettingsError
from mlops_stacks.runtime.features.history import TIME, history_file, read_history, utc_times

if TYPE_CHECKING:
    import pandas as pd

_ASKED = "event_timestamp"
_WINDOW = "mlops_stacks_window"
_ROWS_A_WINDOW = 16
"""So many rows of an entity make a window: few enough to pair quickly, enough not to repeat many at its start."""
_FIRST = datetime(1970, 1, 1, tzinfo=UTC)


def join(store: FeatureStoreRef, features: Sequence[str], rows: pd.DataFrame, time: str) -> pd.DataFrame:
    """`rows`, in their order, with a column for each feature as it was known at the time in column `time`.

    A row of the history with exactly that time counts as known. Raises `ContractError` for missing columns.
    """
    joined = rows
    for group in dict.fromkeys(feature.partition(".")[0] for feature in features):
        wanted = [feature for feature in features if feature.partition(".")[0] == group]
        joined = joined.assign(**_answers(store, group, wanted, rows, time))
    return joined


def _answers(
    store: FeatureStoreRef, group: str, features: Sequence[str], rows: pd.DataFrame, time: str
) -> dict[str, Any]:
    """The columns of one group's features, in the order of `rows`."""
    import pandas as pd

    keys = key_columns(store["groups"][group])
    missing = [name for name in (*keys, time) if name not in rows.columns]
    if missing:
        raise ContractError(
            f"the rows lack the column `{missing[0]}`, by which the features of group `{group}` are joined."
        )
    asked = pd.DataFrame({key: rows[key].astype("str").to_numpy() for key in keys})
    asked[_ASKED] = utc_times(rows[time], f"the column `{time}`").reset_index(drop=True)
    found = _historical(store, group, features, asked.drop_duplicates(ignore_index=True))
    # A left join keeps the order of its left side, and every question has one answer.
    ordered = asked.merge(found, on=[*keys, _ASKED], how="left", validate="many_to_one")
    return {input_name(feature): ordered[input_name(feature)].to_numpy() for feature in features}


def _historical(store: FeatureStoreRef, group: str, features: Sequence[str], asked: pd.DataFrame) -> pd.DataFrame:
    """Feast's answers to distinct questions."""
    definition = store["groups"][group]
    keys, event_time = key_columns(definition), definition["event_time"]
    names = [feature.partition(".")[2] for feature in features]
    history = read_history(store, group, [*keys, event_time, *names])
    windowed, questions = in_windows(history, asked, keys, event_time)
    with quiet(), tempfile.TemporaryDirectory(prefix="features-") as scratch:
        path = Path(scratch) / f"{group}.parquet"
        windowed.to_parquet(path, index=False, coerce_timestamps="us")
        feast = _open(store)
        job = feast._get_provider().offline_store.get_historical_features(
            config=feast.config,
            feature_views=[_windowed_view(feast.get_feature_view(group), path)],
            feature_refs=[f"{group}:{name}" for name in names],
            entity_df=questions,
            registry=feast.registry,
            project=feast.project,
            full_feature_names=True,
        )
        answers: pd.DataFrame = job.to_df()
    return answers.drop(columns=_WINDOW).astype({_ASKED: TIME})


def in_windows(
    history: pd.DataFrame, asked: pd.DataFrame, keys: list[str], event_time: str
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """History and questions with the window that each belongs to.

    A row belongs to the window of its own time and to all later ones up to that of the entity's next row, so each
    window holds every row that may answer a question in it.
    """
    history = history.sort_values([*keys, event_time], ignore_index=True)
    first, last = history[event_time].min(), history[event_time].max()
    count = max(1, len(history) // history.groupby(keys).ngroups // _ROWS_A_WINDOW)
    width = (last - first) / count
    if not width:
        return history.assign(**{_WINDOW: 0}), asked.assign(**{_WINDOW: 0})
    questions = ((asked[_ASKED] - first) // width).clip(0, count).astype("int64")
    own = ((history[event_time] - first) // width).astype("int64")
    following = own.groupby([history[key] for key in keys]).shift(-1)
    earliest, latest = int(questions.min()), int(questions.max())
    begins = own.clip(lower=earliest)
    ends = following.fillna(latest).astype("int64").clip(upper=latest)
    copies = (ends - begins + 1).clip(lower=0)
    repeated = history.loc[history.index.repeat(copies)]
    windows = begins.repeat(copies) + repeated.groupby(level=0).cumcount()
    windowed = repeated.assign(**{_WINDOW: windows.to_numpy()}).reset_index(drop=True)
    return windowed, asked.assign(**{_WINDOW: questions})


def _windowed_view(view: Any, path: Path) -> Any:
    """The registered definition, over other rows, with the window as one more key."""
    from feast import Entity, FeatureView, Field, FileSource, ValueType
    from feast.data_format import ParquetFormat
    from feast.types import Int64

    entities = [
        Entity(name=column.name, join_keys=[column.name], value_type=ValueType.STRING) for column in view.entity_columns
    ]
    window = Entity(name=_WINDOW, join_keys=[_WINDOW], value_type=ValueType.INT64)
    source = view.batch_source
    return FeatureView(
        name=view.name,
        entities=[*entities, window],
        ttl=view.ttl,
        schema=[*view.entity_columns, Field(name=_WINDOW, dtype=Int64), *view.features],
        source=FileSource(
            name=source.name,
            path=str(path),
            timestamp_field=source.timestamp_field,
            file_format=ParquetFormat(),
        ),
    )


def materialise(store: FeatureStoreRef, until: datetime | None = None) -> list[str]:
    """Bring the latest row of each entity into the online store; returns the groups that are in it.

    Rows after `until` are left out; default: none is. Feast fills a copy, which then takes the store's place in one
    step: whoever reads sees all of the old or all of the new, also if this process is killed.
    """
    groups = [g for g, d in sorted(store["groups"].items()) if is_online(d) and history_file(store, g).exists()]
    online = Path(store["online"])
    part = online.with_name(f".{online.name}.part")
    if not groups:
        return []
    with quiet():
        feast = _open(store)
        _copy_tables(online, part, [_table(store, group) for group in groups])
        feast.config.online_store.path = str(part)
        end = until or max(_latest(store, group) for group in groups)
        feast.materialize(start_date=_FIRST, end_date=end, feature_views=groups)
        feast._get_provider().online_store._conn.close()
    part.replace(online)
    return groups


def _table(store: FeatureStoreRef, group: str) -> str:
    return f"{store['project']}_{group}"


def _copy_tables(online: Path, part: Path, tables: list[str]) -> None:
    """A copy of the online store with these tables empty: an entity that the history no longer has shall not stay."""
    if not online.exists():
        raise SettingsError(f"the online store {online} is missing: run `mlops-stacks up` again.")
    # A journal that a killed run left would be played back into the copy.
    part.with_name(f"{part.name}-journal").unlink(missing_ok=True)
    shutil.copyfile(online, part)
    with contextlib.closing(sqlite3.connect(part)) as connection, connection:
        for table in tables:
            quoted = table.replace('"', '""')
            connection.execute(f'DELETE FROM "{quoted}"')  # noqa: S608 - a table's name, quoted


def _latest(store: FeatureStoreRef, group: str) -> datetime:
    times = read_history(store, group, [store["groups"][group]["event_time"]]).iloc[:, 0]
    latest: datetime = times.max().to_pydatetime()
    return latest


def _open(store: FeatureStoreRef) -> Any:
    try:
        from feast import FeatureStore
    except ImportError as error:
        raise SettingsError(
            f"Feast cannot be imported ({error}): run `pip install 'mlops-stacks[features]'`."
        ) from error
    repository = store["repository"]
    if not (Path(repository) / "registry.db").exists():
        raise SettingsError(f"the feature store {repository} is not applied: run `mlops-stacks up` again.")
    return FeatureStore(repository)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep Feast's progress output out of the step's log."""
    os.environ.setdefault("TQDM_DISABLE", "1")
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        yield
