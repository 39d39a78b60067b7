"""The example on real data: the whole pipeline, its quality, no leakage, and a served prediction for a real flight."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from mlops_components.spec.pipeline import STEPS

if TYPE_CHECKING:
    from fastapi.testclient import TestClient

EXAMPLE = Path(__file__).parents[2] / "examples" / "flight_delay"
RUN = "on-real-data"


@pytest.fixture(scope="session", autouse=True)
def _example_on_the_path() -> Iterator[None]:
    sys.path.insert(0, str(EXAMPLE))
    yield
    sys.path.remove(str(EXAMPLE))


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of the whole pipeline on January to March, each step a process, tracked in SQLite."""
    from mlops_stacks.runtime.runner import run_command

    folder = tmp_path_factory.mktemp("flights")
    settings = {
        "blueprint": "demo",
        "environment": "dev",
        "model": "flight_delay",
        "workload": {"entry_point": "flight_delay.workload:workload", "path": str(EXAMPLE)},
        "parameters": {},
        "acceptance": {
            "thresholds": [{"metric": "auc", "minimum": 0.69}, {"metric": "log_loss_gain", "minimum": 0.06}]
        },
        "tracking_uri": f"sqlite:///{folder}/mlflow.db",
        "experiment": "flights",
        "registry_uri": f"sqlite:///{folder}/mlflow.db",
        "registered_model": "flight_delay",
        "approval": "automatic",
        "serving_version": None,
    }
    (folder / "settings.json").write_text(json.dumps(settings))
    steps = [
        {"name": name, "depends_on": list(STEPS[max(0, i - 1) : i]), "retries": 0, "timeout_minutes": 5, "compute": {}}
        for i, name in enumerate(STEPS)
    ]
    spec = {"name": "flight_delay", "model": "flight_delay", "steps": steps, "parameters": {}, "schedule": None}
    definition = folder / "pipeline.json"
    definition.write_text(json.dumps({"pipeline": spec, "settings": "settings.json", "runs": "runs"}))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        code = run_command(definition, [], run_id=RUN, trigger="test", as_json=False)
    assert code == 0, (folder / "runs" / RUN / "status.json").read_text()
    return folder


@pytest.fixture(scope="session")
def run(folder: Path) -> Path:
    return folder / "runs" / RUN


def document(run: Path, name: str) -> Any:
    return json.loads((run / name).read_text())


def test_quality_on_the_last_two_weeks_of_march(run: Path) -> None:
    measured = document(run, "evaluation.json")["overall"]
    assert measured["auc"] >= 0.69
    assert measured["log_loss_gain"] >= 0.06


def test_trained_on_all_rows_until_17_march_in_this_run(run: Path) -> None:
    """All flights of the window that arrived; counted anew from the raw file."""
    from flight_delay.data import data_file

    raw = pd.read_csv(data_file("flights.csv.zip"), usecols=["month", "day", "arr_delay"])
    arrived = raw[raw["arr_delay"].notna() & (raw["month"] <= 3)]
    in_training = (arrived["month"] < 3) | (arrived["day"] <= 17)
    assert document(run, "train.json")["rows"] == in_training.sum() == 65_075
    assert document(run, "evaluation.json")["rows"] == (~in_training).sum() == 12_836
    train = pd.read_parquet(run / "prepared" / "train.parquet")
    evaluation = pd.read_parquet(run / "prepared" / "evaluation.parquet")
    assert train["date"].max() == pd.Timestamp("2013-03-17")
    assert evaluation["date"].min() == pd.Timestamp("2013-03-18")


def test_reported_per_origin_and_carrier(run: Path) -> None:
    report = document(run, "evaluation.json")
    assert set(report["segments"]["origin"]) == {"EWR", "JFK", "LGA"}
    assert len(report["segments"]["carrier"]) >= 10
    assert report["metrics"]["origin.auc.min"] > 0.65
    assert abs(report["overall"]["calibration_gap"]) < 0.03
    for measured in report["segments"]["origin"].values():
        assert abs(measured["calibration_gap"]) < 0.05


def test_no_single_input_knows_the_label(run: Path) -> None:
    strengths = document(run, "prepared.json")["single_input_auc"]
    assert set(strengths) == {column.name for column in workload().inputs}
    assert max(strengths.values()) < 0.7


def workload() -> Any:
    from flight_delay.workload import workload as found

    return found


@pytest.fixture(scope="session")
def tables(run: Path) -> Mapping[str, pd.DataFrame]:
    return {name: pd.read_parquet(run / "extract" / f"{name}.parquet") for name in ("flights", "weather")}


def inputs_of(flights: pd.DataFrame, weather: pd.DataFrame) -> pd.DataFrame:
    from flight_delay.features import with_features

    return with_features(flights, weather)[[column.name for column in workload().inputs]]


def test_planted_future_weather_changes_no_input_of_earlier_departures(tables: Mapping[str, pd.DataFrame]) -> None:
    """All weather from noon on is replaced: who departs before 13:00 must not notice, who departs later must."""
    from flight_delay.data import MEASUREMENTS

    flights, weather = tables["flights"], tables["weather"]
    noon = pd.Timestamp("2013-02-20T12:00", tz="America/New_York")
    later = weather["time_hour"] >= noon
    planted = weather.assign(**{name: weather[name].mask(later, -999.0) for name in MEASUREMENTS})
    before = (flights["time_hour"] <= noon).to_numpy()
    honest, tampered = inputs_of(flights, weather), inputs_of(flights, planted)
    pd.testing.assert_frame_equal(honest[before], tampered[before])
    assert before.sum() > 10_000
    known = honest["temp"].notna().to_numpy()
    assert (tampered["temp"].to_numpy()[~before & known] == -999.0).all()


def test_weather_is_that_of_the_hour_before(tables: Mapping[str, pd.DataFrame]) -> None:
    flights, weather = tables["flights"], tables["weather"]
    weather = weather.set_index(["origin", "time_hour"])
    joined = inputs_of(flights, tables["weather"])
    for row in (0, 12_345, 60_000):
        flight = flights.iloc[row]
        hour = flight["time_hour"] - pd.Timedelta(hours=1)
        assert joined["temp"].iloc[row] == weather.loc[(flight["origin"], hour), "temp"]


def test_planted_delays_and_other_flights_change_no_input(tables: Mapping[str, pd.DataFrame]) -> None:
    flights, weather = tables["flights"].head(2000), tables["weather"]
    honest = inputs_of(flights, weather)
    delayed = flights.assign(arr_delay=999.0, dep_delay=999.0, air_time=1.0)
    pd.testing.assert_frame_equal(honest, inputs_of(delayed, weather))
    alone = inputs_of(flights.iloc[[700]], weather)
    pd.testing.assert_frame_equal(honest.iloc[[700]].reset_index(drop=True), alone.reset_index(drop=True))


def test_nothing_known_only_after_departure_is_extracted(tables: Mapping[str, pd.DataFrame]) -> None:
    assert not {"dep_time", "dep_delay", "arr_time", "air_time"} & set(tables["flights"].columns)
    assert "arr_delay" not in {column.name for column in workload().inputs}


def test_cancelled_flights_are_left_out(tables: Mapping[str, pd.DataFrame], run: Path) -> None:
    rows = document(run, "prepared.json")["rows"]
    never_arrived = int(tables["flights"]["arr_delay"].isna().sum())
    assert never_arrived > 0
    assert rows["train"] + rows["evaluation"] == len(tables["flights"]) - never_arrived


def test_weather_keys_are_unique_all_year() -> None:
    """By airport and UTC hour; by local hour three rows of 3 November share a key."""
    from flight_delay.data import read_weather

    weather = read_weather("2013-01-01", "2013-12-31")
    assert not weather.duplicated(["origin", "time_hour"]).any()
    assert len(weather) > 26_000


def test_broken_readings_become_missing_or_are_refused(tables: Mapping[str, pd.DataFrame]) -> None:
    from pandera.errors import SchemaErrors

    schema = workload().schemas()["weather"]
    schema.validate(tables["weather"], lazy=True)
    broken = tables["weather"].copy()
    broken.loc[broken.index[5], "wind_speed"] = 1048.0
    with pytest.raises(SchemaErrors, match="wind_speed"):
        schema.validate(broken, lazy=True)
    twice = pd.concat([tables["weather"], tables["weather"].head(1)], ignore_index=True)
    with pytest.raises(SchemaErrors, match="time_hour"):
        schema.validate(twice, lazy=True)


@pytest.fixture(scope="session")
def client(folder: Path) -> Iterator[TestClient]:
    from fastapi.testclient import TestClient

    from mlops_stacks.runtime.serving.app import make_app
    from mlops_stacks.runtime.serving.service import load_service

    uri = f"sqlite:///{folder}/mlflow.db"
    settings: Any = {
        "blueprint": "demo",
        "environment": "dev",
        "model": "flight_delay",
        "version": "1",
        "model_uri": "models:/flight_delay/1",
        "tracking_uri": uri,
        "registry_uri": uri,
        "workload": None,
        "host": "127.0.0.1",
        "port": 0,
        "workers": 1,
        "capture": None,
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        with TestClient(make_app(load_service(settings))) as made:
            yield made


def test_the_server_predicts_as_the_evaluation_did(client: TestClient, run: Path) -> None:
    """Every evaluated flight, through HTTP and JSON: the same loss, so nothing is skewed on the way."""
    from sklearn.metrics import log_loss

    rows = pd.read_parquet(run / "prepared" / "evaluation.parquet")
    columns = [column.name for column in workload().inputs]
    instances = json.loads(rows[columns].to_json(orient="records", double_precision=15))
    answers = client.post("/predict", json={"instances": instances}).json()
    assert answers["prediction"] == "probability_late"
    loss = log_loss(rows["late"], answers["predictions"])
    assert loss == pytest.approx(document(run, "evaluation.json")["overall"]["log_loss"], abs=1e-9)


def test_a_flight_without_weather_and_to_a_new_destination_gets_an_answer(client: TestClient) -> None:
    flight = {
        "carrier": "UA",
        "origin": "EWR",
        "dest": "XYZ",
        "distance": 1400,
        "sched_dep_time": 1745,
        "sched_arr_time": 2030,
        "weekday": 4,
    }
    (probability,) = client.post("/predict", json={"instances": [flight]}).json()["predictions"]
    assert 0 < probability < 1


def test_a_window_without_data_is_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    from mlops_stacks.runtime.step import run_step

    settings = json.loads((folder / "settings.json").read_text())
    settings["parameters"] = {"train_from": "2020-01-01", "evaluate_until": "2020-02-01"}
    (tmp_path / "settings.json").write_text(json.dumps(settings))
    assert run_step("extract", str(tmp_path / "settings.json"), str(tmp_path / "run")) == 2
    assert "the table `flights` of `extract` has no rows" in capsys.readouterr().err
