"""The history of a SageMaker feature group: Parquet files in folders by hour of event time, to which rows are added.

Nothing is overwritten: of several rows of an entity for one moment the one written last holds, and a row that is no
longer true is taken back by one with a mark. SageMaker's own writer takes up to 15 minutes until a row can be read, in
which the next step would train without it. So the files are written here, as its connector for Spark writes them.
Format: SageMaker Developer Guide, "Offline store data format".
"""

from __future__ import annotations

import io
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from mlops_components.spec.feature import FeatureGroup, record_identifier
from mlops_stacks.runtime.errors import RuntimeFault
from mlops_stacks.runtime.features.history import TIME
from mlops_stacks.runtime.features.records import MARKER, stored_dtypes, time_text
from mlops_stacks.runtime.folder import file_system, make_folder

if TYPE_CHECKING:
    import pandas as pd

_WRITTEN = "write_time"
_CALLED = "api_invocation_time"
_FILES_AT_ONCE = 16


class HistoryFaultError(RuntimeFault):
    """The files of a history cannot be read or written."""


def read_files(uri: str, definition: FeatureGroup) -> pd.DataFrame:
    """All rows below `uri`, also those overwritten and taken back, in the order in which they were written."""

    import pyarrow as pa

    columns = _schema(definition)
    fs, root = file_system(uri)
    try:
        paths = sorted(path for path in fs.find(root) if path.endswith(".parquet"))
        with ThreadPoolExecutor(_FILES_AT_ONCE) as pool:
            tables = list(pool.map(lambda path: _table(fs.cat_file(path), columns), paths))
    except OSError as error:
        raise HistoryFaultError(f"the feature history {uri} cannot be read: {error}.") from error
    whole = pa.concat_tables([columns.empty_table(), *tables]).to_pandas()
    return _typed(whole, definition).sort_values(_WRITTEN, kind="stable", ignore_index=True)


def _schema(definition: FeatureGroup) -> Any:
    """The columns of a history, as they are read; in files there is one more, the time of the call."""
    import pyarrow as pa

    arrow = {"object": pa.string(), "Int64": pa.int64(), "float64": pa.float64()}
    own = [(name, arrow[kind]) for name, kind in stored_dtypes(definition).items()]
    written = (_WRITTEN, pa.timestamp("us", tz="UTC"))
    return pa.schema([*own, (definition["event_time"], pa.string()), written, (MARKER, pa.bool_())])


def _table(content: bytes, columns: Any) -> Any:
    import pyarrow as pa
    import pyarrow.parquet as pq

    # A file is read by itself: the folders' names would else become columns.
    found = pq.ParquetFile(io.BytesIO(content)).read()
    # A column that came later is missing from earlier files, and whoever wrote one chose how fine its times are.
    arrays = [
        found[column.name].cast(column.type, safe=False)
        if column.name in found.column_names
        else pa.nulls(len(found), column.type)
        for column in columns
    ]
    return pa.table(arrays, schema=columns)


def _typed(frame: pd.DataFrame, definition: FeatureGroup) -> pd.DataFrame:
    import pandas as pd

    time = definition["event_time"]
    typed = frame.astype(stored_dtypes(definition))
    typed[time] = pd.to_datetime(typed[time], utc=True, format="ISO8601").astype(TIME)
    typed[MARKER] = typed[MARKER].astype("boolean").fillna(False).astype(bool)
    return typed


def current(written: pd.DataFrame, definition: FeatureGroup) -> pd.DataFrame:
    """The rows that hold: the last of each entity and moment, without those taken back.

    A mark without a row of its moment is SageMaker's own `DeleteRecord`: from then on nothing is known of the entity.
    """
    identity = [record_identifier(definition), definition["event_time"]]
    last = written.drop_duplicates(identity, keep="last")
    had_row = written.loc[~written[MARKER], identity].drop_duplicates().assign(_had=True)
    marked = last.merge(had_row, on=identity, how="left")
    kept = last[~(marked[MARKER] & marked["_had"].notna()).to_numpy()]
    return kept.drop(columns=[_WRITTEN]).sort_values(identity[::-1], ignore_index=True)


def changes(before: pd.DataFrame, rows: pd.DataFrame, definition: FeatureGroup) -> pd.DataFrame:
    """What has to be written so that, between the first and the last moment of `rows`, exactly these hold."""
    import pandas as pd

    time, columns = definition["event_time"], [*stored_dtypes(definition), definition["event_time"]]
    identity = [record_identifier(definition), time]
    known = before[~before[MARKER]]
    merged = rows.merge(known[columns], on=identity, how="left", suffixes=("", "_before"), indicator=True)
    differs = merged["_merge"] == "left_only"
    for name in columns:
        if name not in identity:
            now, then = merged[name], merged[f"{name}_before"]
            differs |= ~((now == then).fillna(False).astype(bool) | (now.isna() & then.isna()))
    added = rows[differs.to_numpy()].assign(**{MARKER: False})
    inside = known[known[time].between(rows[time].min(), rows[time].max())]
    still = inside.merge(rows[identity], on=identity, how="left", indicator="_still")
    gone = inside[(still["_still"] == "left_only").to_numpy()].assign(**{MARKER: True})
    return pd.concat([added, gone[[*columns, MARKER]]], ignore_index=True)


def write_files(uri: str, definition: FeatureGroup, rows: pd.DataFrame) -> int:
    """Add rows, each with its mark, to the history; returns how many files were written."""
    time = definition["event_time"]
    now = datetime.now(UTC)
    fs, root = file_system(uri)
    hours = list(rows.groupby(rows[time].dt.floor("h")))

    def write(part: tuple[Any, pd.DataFrame]) -> None:
        hour, frame = part
        folder = f"{root}/year={hour:%Y}/month={hour:%m}/day={hour:%d}/hour={hour:%H}"
        # A name of its own each time: a file is never replaced.
        name = f"{frame[time].max():%Y%m%dT%H%M%SZ}_{uuid.uuid4().hex[:16]}.parquet"
        make_folder(fs, folder)
        fs.pipe_file(f"{folder}/{name}", _content(frame, definition, now))

    try:
        with ThreadPoolExecutor(_FILES_AT_ONCE) as pool:
            list(pool.map(write, hours))
    except OSError as error:
        raise HistoryFaultError(f"the feature history {uri} cannot be written: {error}.") from error
    return len(hours)


def _content(rows: pd.DataFrame, definition: FeatureGroup, now: datetime) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = _schema(definition).append(pa.field(_CALLED, pa.timestamp("us", tz="UTC")))
    time = definition["event_time"]
    texts = [time_text(at.to_pydatetime()) for at in rows[time]]
    times: dict[str, Any] = {time: texts, _WRITTEN: now, _CALLED: now}
    whole = rows.assign(**times)
    arrays = [pa.array(whole[column.name], type=column.type, from_pandas=True) for column in schema]
    sink = io.BytesIO()
    # Not compressed, as SageMaker's connector leaves it: the files of single hours are small.
    pq.write_table(pa.table(arrays, schema=schema), sink, compression="none")
    return sink.getvalue()
