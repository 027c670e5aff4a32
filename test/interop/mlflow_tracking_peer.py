"""MLflow's own Python client, set on a server of ours for tracking and registry together: one line of JSON for each thing that it was seen to do."""

import base64
import hashlib
import hmac
import http.server
import json
import logging
import math
import os
import tempfile
import threading
import time

import mlflow
import numpy
import pandas
from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag
from mlflow.utils.credentials import get_default_host_creds
from mlflow.utils.rest_utils import http_request

from mlflow_checks import check, refused, same, tell

logging.disable(logging.WARNING)
client = MlflowClient()


class Threshold(mlflow.pyfunc.PythonModel):
    """A model that has a file of its own."""

    def load_context(self, context):
        with open(context.artifacts["limit"], encoding="utf-8") as file:
            self.limit = float(file.read())

    def predict(self, context, model_input, params=None):
        return (model_input["amount"] > self.limit).astype(int)


def rows(*amounts):
    return pandas.DataFrame({"amount": list(amounts)})


def said_of(name, version):
    """What the server says of a version: the client passes over the id of its logged model."""
    return http_request(get_default_host_creds(mlflow.get_tracking_uri()), "/api/2.0/mlflow/model-versions/get", "GET", params={"name": name, "version": version}).json()["model_version"]


def logged_model(name, limit=10.0, **more):
    """Logs a model and answers what MLflow says of it."""
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "limit.txt")
        with open(path, "w", encoding="utf-8") as file:
            file.write(str(limit))
        return mlflow.pyfunc.log_model(name=name, python_model=Threshold(), artifacts={"limit": path}, pip_requirements=[], input_example=rows(5.0), **more)


@check("has a default experiment, and makes, finds, renames, tags, deletes and restores others")
def _():
    same(client.get_experiment("0").name, "Default")
    made = mlflow.set_experiment("credit")
    same(mlflow.get_experiment_by_name("credit").experiment_id, made.experiment_id)
    same(mlflow.get_experiment_by_name("nobody"), None)
    other = client.create_experiment("before", tags={"team": "risk"})
    client.rename_experiment(other, "after")
    client.set_experiment_tag(other, "a", "1")
    client.delete_experiment_tag(other, "team")
    same((client.get_experiment(other).name, client.get_experiment(other).tags), ("after", {"a": "1"}))
    client.delete_experiment(other)
    same(client.get_experiment(other).lifecycle_stage, "deleted")
    refused("RESOURCE_ALREADY_EXISTS", lambda: client.create_experiment("after"))
    client.restore_experiment(other)
    same([one.name for one in mlflow.search_experiments(filter_string="name LIKE 'aft%' AND tags.a = '1'")], ["after"])
    same(sorted(one.name for one in mlflow.search_experiments(order_by=["name ASC"], max_results=2)), ["Default", "after"])


@check("logs params, metrics, tags, texts, dictionaries, files and directories in a run")
def _():
    with mlflow.start_run(run_name="whole", tags={"kind": "trial"}, description="says what it is") as run:
        mlflow.log_param("depth", 3)
        mlflow.log_params({f"p{n}": n for n in range(150)})
        for step in range(5):
            mlflow.log_metric("loss", 1 / (step + 1), step=step)
        mlflow.log_metrics({"auc": 0.9, "odd": math.nan, "much": math.inf, "little": -math.inf}, step=1)
        mlflow.set_tags({"a": "1", "b": "2"})
        mlflow.log_text("hello", "notes/hello.txt")
        mlflow.log_dict({"x": [1, 2]}, "notes/x.json")
        with tempfile.TemporaryDirectory() as directory:
            os.makedirs(os.path.join(directory, "deep", "er"))
            for name in ("one.txt", "deep/two.txt", "deep/er/empty.txt"):
                with open(os.path.join(directory, name), "w", encoding="utf-8") as file:
                    file.write("" if "empty" in name else name)
            mlflow.log_artifacts(directory, "files")
            mlflow.log_artifact(os.path.join(directory, "one.txt"))
    read = client.get_run(run.info.run_id)
    same((read.info.status, read.info.run_name, read.info.user_id, read.data.params["depth"], len(read.data.params)), ("FINISHED", "whole", read.data.tags["mlflow.user"], "3", 151))
    same((read.data.metrics["loss"], read.data.metrics["auc"], math.isnan(read.data.metrics["odd"]), read.data.metrics["much"], read.data.metrics["little"]), (0.2, 0.9, True, math.inf, -math.inf))
    same((read.data.tags["kind"], read.data.tags["a"], read.data.tags["mlflow.note.content"]), ("trial", "1", "says what it is"))
    same([(one.step, one.value) for one in client.get_metric_history(run.info.run_id, "loss")], [(step, 1 / (step + 1)) for step in range(5)])
    same([(one.path, one.is_dir, one.file_size) for one in client.list_artifacts(run.info.run_id)], [("files", True, None), ("notes", True, None), ("one.txt", False, 7)])
    same([one.path for one in client.list_artifacts(run.info.run_id, "files/deep")], ["files/deep/er", "files/deep/two.txt"])
    same(mlflow.artifacts.load_text(f"runs:/{run.info.run_id}/notes/hello.txt"), "hello")
    same(mlflow.artifacts.load_dict(f"runs:/{run.info.run_id}/notes/x.json"), {"x": [1, 2]})
    with tempfile.TemporaryDirectory() as directory:
        got = mlflow.artifacts.download_artifacts(run_id=run.info.run_id, artifact_path="files", dst_path=directory)
        with open(os.path.join(got, "deep", "two.txt"), encoding="utf-8") as file:
            same(file.read(), "deep/two.txt")
        same(os.path.getsize(os.path.join(got, "deep", "er", "empty.txt")), 0)


@check("logs in batches, goes on with a run that had ended, and is told what it did wrong")
def _():
    run = client.create_run("0", run_name="batch")
    run_id = run.info.run_id
    client.log_batch(run_id, [Metric("m", n, 1_700_000_000_000 + n, n) for n in range(1_000)])
    client.log_batch(run_id, [], [Param("a", "1")], [RunTag("t", "x" * 5_000)])
    same(len(client.get_metric_history(run_id, "m")), 1_000)
    client.log_param(run_id, "a", "1")
    refused("INVALID_PARAMETER_VALUE", lambda: client.log_param(run_id, "a", "2"), "Changing param values is not allowed")
    client.set_terminated(run_id, "FAILED")
    same(client.get_run(run_id).info.status, "FAILED")
    client.update_run(run_id, status="RUNNING", name="renamed")
    same((client.get_run(run_id).info.status, client.get_run(run_id).info.run_name), ("RUNNING", "renamed"))
    client.delete_tag(run_id, "t")
    refused("RESOURCE_DOES_NOT_EXIST", lambda: client.delete_tag(run_id, "t"))
    client.delete_run(run_id)
    same(client.get_run(run_id).info.lifecycle_stage, "deleted")
    refused("INVALID_PARAMETER_VALUE", lambda: client.set_tag(run_id, "t", "x"), "must be in the 'active' state")
    client.restore_run(run_id)
    refused("RESOURCE_DOES_NOT_EXIST", lambda: client.get_run("0" * 32))


@check("logs what data a run read, and finds runs by it")
def _():
    mlflow.set_experiment("data")
    data = mlflow.data.from_pandas(rows(1.0, 20.0), source="https://example.org/rows.csv", name="rows")
    with mlflow.start_run() as run:
        mlflow.log_input(data, context="training", tags={"version": "1"})
        mlflow.log_input(mlflow.data.from_numpy(numpy.array([1.0, 2.0]), name="numbers"), context="testing")
    inputs = client.get_run(run.info.run_id).inputs.dataset_inputs
    same(sorted((one.dataset.name, {tag.key: tag.value for tag in one.tags}["mlflow.data.context"]) for one in inputs), [("numbers", "testing"), ("rows", "training")])
    same([one.dataset.digest for one in inputs if one.dataset.name == "rows"], [data.digest])
    found = mlflow.search_runs(experiment_names=["data"], filter_string="dataset.name = 'rows' AND dataset.context = 'training'", output_format="list")
    same([one.info.run_id for one in found], [run.info.run_id])


@check("searches runs by metrics, params, tags and attributes, in order, page by page")
def _():
    experiment = mlflow.set_experiment("searched").experiment_id
    for n in range(5):
        with mlflow.start_run(run_name=f"r{n}"):
            mlflow.log_metric("auc", n / 10)
            mlflow.log_param("depth", n)
            mlflow.set_tag("odd", str(n % 2 == 1))
    names = lambda filter="", **more: [one.info.run_name for one in client.search_runs([experiment], filter, **more)]
    same(names("metrics.auc > 0.2 AND params.depth != '4'"), ["r3"])
    same(names("tags.odd = 'True'", order_by=["metrics.auc DESC"]), ["r3", "r1"])
    same(names("attributes.run_name LIKE 'r%' AND attributes.status = 'FINISHED'", order_by=["params.depth ASC"]), ["r0", "r1", "r2", "r3", "r4"])
    first = client.search_runs([experiment], order_by=["metrics.auc DESC"], max_results=2)
    second = client.search_runs([experiment], order_by=["metrics.auc DESC"], max_results=2, page_token=first.token)
    same([one.info.run_name for one in [*first, *second]], ["r4", "r3", "r2", "r1"])
    same(list(mlflow.search_runs([experiment], "metrics.auc >= 0.3")["metrics.auc"]), [0.4, 0.3])
    refused("INVALID_PARAMETER_VALUE", lambda: client.search_runs([experiment], "nonsense = 'a'"))
    refused("INVALID_PARAMETER_VALUE", lambda: client.search_runs([experiment], "metrics.auc > 0.1 OR metrics.auc < 0.1"))


@check("logs a model, registers it, and loads it by version, alias, run and its own id")
def _():
    mlflow.set_experiment("modelled")
    with mlflow.start_run() as run:
        mlflow.set_tags({"mlflow.source.git.commit": "abcdef0123456789", "mlflow.source.git.repoURL": "https://example.org/credit.git"})
        info = logged_model("threshold", registered_model_name="threshold", params={"limit": 10})
        mlflow.log_metric("auc", 0.9, model_id=info.model_id, dataset=None)
    version = client.get_model_version("threshold", "1")
    same((version.run_id, version.source, version.status), (run.info.run_id, f"models:/{info.model_id}", "READY"))
    same(said_of("threshold", "1")["model_id"], info.model_id)
    client.set_registered_model_alias("threshold", "champion", "1")
    for uri in ("models:/threshold/1", "models:/threshold@champion", "models:/threshold/latest", f"runs:/{run.info.run_id}/threshold", f"models:/{info.model_id}"):
        same(list(mlflow.pyfunc.load_model(uri).predict(rows(5.0, 20.0))), [0, 1])
    by_run = mlflow.register_model(f"runs:/{run.info.run_id}/threshold", "threshold")
    same((by_run.version, by_run.run_id, said_of("threshold", "2")["model_id"]), ("2", run.info.run_id, info.model_id))
    same(list(mlflow.pyfunc.load_model("models:/threshold/2").predict(rows(11.0))), [1])
    same([model.model_id for model in client.get_run(run.info.run_id).outputs.model_outputs], [info.model_id])


@check("keeps what was registered when the run's files change, and copies it")
def _():
    with mlflow.start_run() as run:
        mlflow.log_text("first", "model/weights.txt")
        version = mlflow.register_model(f"mlflow-artifacts:/{os.environ['PROJECT']}/{run.info.experiment_id}/{run.info.run_id}/artifacts/model", "pinned")
        mlflow.log_text("second", "model/weights.txt")
    copy = client.copy_model_version("models:/pinned/1", "pinned-copy")
    for uri in (f"models:/pinned/{version.version}", f"models:/pinned-copy/{copy.version}"):
        with tempfile.TemporaryDirectory() as directory:
            with open(os.path.join(mlflow.artifacts.download_artifacts(uri, dst_path=directory), "weights.txt"), encoding="utf-8") as file:
                same(file.read(), "first")
    same(mlflow.artifacts.load_text(f"runs:/{run.info.run_id}/model/weights.txt"), "second")


@check("keeps logged models: their params, tags and metrics, and searches them")
def _():
    experiment = mlflow.set_experiment("logged").experiment_id
    with mlflow.start_run():
        models = [logged_model(f"m{n}", limit=n, params={"limit": n}, tags={"even": str(n % 2 == 0)}) for n in range(3)]
        for n, model in enumerate(models):
            mlflow.log_metric("auc", n / 10, model_id=model.model_id)
    names = lambda **more: [one.name for one in mlflow.search_logged_models(experiment_ids=[experiment], output_format="list", **more)]
    same(sorted(names()), ["m0", "m1", "m2"])
    same(names(filter_string="metrics.auc > 0.05", order_by=[{"field_name": "metrics.auc", "ascending": False}]), ["m2", "m1"])
    same(names(filter_string="params.limit = '1'"), ["m1"])
    same(names(filter_string="tags.even = 'True'", order_by=[{"field_name": "name"}]), ["m0", "m2"])
    read = mlflow.get_logged_model(models[1].model_id)
    same((str(read.status), read.params["limit"], [metric.value for metric in read.metrics]), ("READY", "1", [0.1]))
    mlflow.set_logged_model_tags(models[1].model_id, {"x": "1", "y": "2"})
    mlflow.delete_logged_model_tag(models[1].model_id, "x")
    same((mlflow.get_logged_model(models[1].model_id).tags.get("x"), mlflow.get_logged_model(models[1].model_id).tags["y"]), (None, "2"))
    external = mlflow.create_external_model(name="elsewhere", params={f"p{n}": str(n) for n in range(150)})
    same(len(mlflow.get_logged_model(external.model_id).params), 150)
    client.delete_logged_model(models[0].model_id)
    same(sorted(names()), ["elsewhere", "m1", "m2"])
    refused("RESOURCE_DOES_NOT_EXIST", lambda: mlflow.get_logged_model("m-" + "0" * 32))


class Receiver(http.server.BaseHTTPRequestHandler):
    """Takes messages, and believes only those that are signed."""

    taken = []

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        signed = f"{self.headers['X-MLflow-Delivery-Id']}.{self.headers['X-MLflow-Timestamp']}.{body.decode()}"
        signature = base64.b64encode(hmac.new(b"a secret", signed.encode(), hashlib.sha256).digest()).decode()
        good = self.headers["X-MLflow-Signature"] == f"v1,{signature}"
        if good:
            message = json.loads(body)
            Receiver.taken.append((message["entity"], message["action"], message["data"]))
        self.send_response(200 if good else 401)
        self.end_headers()

    def log_message(self, *_):
        pass


def arrived(wanted):
    """Waits for it: messages are sent after the answer."""
    end = time.monotonic() + 30
    while time.monotonic() < end and Receiver.taken != wanted:
        time.sleep(0.05)
    same(Receiver.taken, wanted)
    Receiver.taken.clear()


@check("is told by webhooks, signed, what happens to models")
def _():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/"
    webhook = client.create_webhook("ours", url, ["registered_model.created", "model_version.created", "model_version_alias.created"], description="tries it", secret="a secret")
    same((client.get_webhook(webhook.webhook_id).url, [str(one) for one in webhook.events], str(webhook.status)), (url, ["registered_model.created", "model_version.created", "model_version_alias.created"], "ACTIVE"))
    same(client.test_webhook(webhook.webhook_id).success, True)
    arrived([("registered_model", "created", {"name": "example_model", "tags": {"example_key": "example_value"}, "description": "An example registered model"})])
    client.create_registered_model("told", tags={"a": "1"})
    client.create_model_version("told", "s3://bucket/told", run_id="r1")
    client.set_registered_model_tag("told", "not", "told")
    client.set_registered_model_alias("told", "champion", "1")
    arrived([
        ("registered_model", "created", {"name": "told", "tags": {"a": "1"}, "description": None}),
        ("model_version", "created", {"name": "told", "version": "1", "source": "s3://bucket/told", "run_id": "r1", "tags": {}, "description": None}),
        ("model_version_alias", "created", {"name": "told", "alias": "champion", "version": "1"}),
    ])
    client.update_webhook(webhook.webhook_id, name="renamed", events=["prompt.created"], status="DISABLED")
    same([(one.name, str(one.status)) for one in client.list_webhooks()], [("renamed", "DISABLED")])
    client.delete_webhook(webhook.webhook_id)
    same(list(client.list_webhooks()), [])
    refused("RESOURCE_DOES_NOT_EXIST", lambda: client.get_webhook(webhook.webhook_id))
    server.shutdown()


@check("reads models as inputs of a run")
def _():
    with mlflow.start_run():
        model = logged_model("read")
    with mlflow.start_run() as run:
        mlflow.pyfunc.load_model(f"models:/{model.model_id}")
        client.log_inputs(run.info.run_id, models=[mlflow.entities.LoggedModelInput(model.model_id)])
    same([one.model_id for one in client.get_run(run.info.run_id).inputs.model_inputs], [model.model_id])


tell()
