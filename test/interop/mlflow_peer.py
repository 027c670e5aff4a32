"""MLflow's own Python client, set on a registry of ours: one line of JSON for each thing that it was seen to do."""

import logging
import os
import tempfile

import mlflow
from mlflow import MlflowClient

from mlflow_checks import check, refused, same, tell

logging.disable(logging.WARNING)
client = MlflowClient()


def model(name, versions=0, **more):
    client.create_registered_model(name, **more)
    return [client.create_model_version(name, f"s3://bucket/{name}/{n}", run_id=f"run-{n}") for n in range(versions)]


@check("registers a model with tags and a description, and reads it back")
def _():
    made = client.create_registered_model("credit", tags={"team": "risk"}, description="does it go bad?")
    read = client.get_registered_model("credit")
    same((read.name, read.description, read.tags, read.latest_versions, read.aliases), ("credit", "does it go bad?", {"team": "risk"}, [], {}))
    same(read.creation_timestamp, made.creation_timestamp)


@check("registers versions of any source, numbered from 1")
def _():
    model("sources")
    for n, source in enumerate(["runs:/0123/model", "s3://bucket/key", "dbfs:/models/m", "mlflow-artifacts:/0/0123/artifacts/model", "models:/m-0123456789abcdef"], 1):
        version = client.create_model_version("sources", source, run_id="0123", run_link="https://example.org/0123", tags={"n": str(n)}, description=f"number {n}", model_id="m-0123456789abcdef" if n == 5 else None, await_creation_for=10)
        same((version.version, version.source, version.run_id, version.run_link, version.tags, version.description, version.status, version.current_stage), (str(n), source, "0123", "https://example.org/0123", {"n": str(n)}, f"number {n}", "READY", "None"))
        same(client.get_model_version_download_uri("sources", str(n)), source)


@check("is told who registered")
def _():
    same({version.user_id for version in model("whose", 1)}, {os.environ["WHO"]})


@check("registers by register_model, which goes on when the model is there")
def _():
    same([mlflow.register_model(f"s3://bucket/swallowed/{n}", "swallowed").version for n in range(2)], ["1", "2"])


@check("moves, reads and removes aliases")
def _():
    model("aliased", 3)
    for version in ("1", "2"):
        client.set_registered_model_alias("aliased", "champion", version)
    same(client.get_model_version_by_alias("aliased", "champion").version, "2")
    same(client.get_model_version("aliased", "2").aliases, ["champion"])
    same(client.get_registered_model("aliased").aliases, {"champion": "2"})
    client.delete_registered_model_alias("aliased", "champion")
    refused("INVALID_PARAMETER_VALUE", lambda: client.get_model_version_by_alias("aliased", "champion"), "Registered model alias champion not found.")
    refused("INVALID_PARAMETER_VALUE", lambda: client.set_registered_model_alias("aliased", "v1", "1"))
    refused("RESOURCE_DOES_NOT_EXIST", lambda: client.set_registered_model_alias("aliased", "champion", "9"))


@check("sets and removes tags of models and versions")
def _():
    model("tagged", 1)
    client.set_registered_model_tag("tagged", "a", "1")
    client.set_model_version_tag("tagged", "1", "b", "2")
    same((client.get_registered_model("tagged").tags, client.get_model_version("tagged", "1").tags), ({"a": "1"}, {"b": "2"}))
    client.delete_registered_model_tag("tagged", "a")
    client.delete_model_version_tag("tagged", "1", "b")
    same((client.get_registered_model("tagged").tags, client.get_model_version("tagged", "1").tags), ({}, {}))


@check("renames and describes")
def _():
    model("before", 1)
    client.rename_registered_model("before", "after")
    same(client.get_model_version("after", "1").name, "after")
    client.update_registered_model("after", "other words")
    client.update_model_version("after", "1", "of the version")
    same((client.get_registered_model("after").description, client.get_model_version("after", "1").description), ("other words", "of the version"))
    refused("RESOURCE_DOES_NOT_EXIST", lambda: client.get_registered_model("before"), "Registered Model with name=before not found")


@check("searches models, page by page, without prompts")
def _():
    for name in ("search-a", "search-b", "search-c"):
        model(name, tags={"searched": name[-1]})
    mlflow.genai.register_prompt("search-prompt", "hello")
    names = lambda found: [one.name for one in found]
    same(names(client.search_registered_models("name LIKE 'search-%'")), ["search-a", "search-b", "search-c"])
    same(names(client.search_registered_models("name ILIKE 'SEARCH-%' AND tags.searched != 'b'", order_by=["name DESC"])), ["search-c", "search-a"])
    first = client.search_registered_models("name LIKE 'search-%'", max_results=2)
    same((names(first), names(client.search_registered_models("name LIKE 'search-%'", max_results=2, page_token=first.token))), (["search-a", "search-b"], ["search-c"]))
    refused("INVALID_PARAMETER_VALUE", lambda: client.search_registered_models("nonsense = 'a'"))


@check("searches versions")
def _():
    model("searched", 3)
    numbers = lambda filter, **more: [version.version for version in client.search_model_versions(filter, **more)]
    same(numbers("name = 'searched'"), ["3", "2", "1"])
    same(numbers("name = 'searched'", order_by=["version_number ASC"]), ["1", "2", "3"])
    same(numbers("name = 'searched' AND version_number >= 2"), ["3", "2"])
    same(numbers("name = 'searched' AND run_id IN ('run-0', 'run-2')"), ["3", "1"])
    same(numbers("source_path = 's3://bucket/searched/1'"), ["2"])


@check("moves through stages, and archives what was there")
def _():
    model("staged", 3)
    for version in ("1", "2"):
        same(client.transition_model_version_stage("staged", version, "production").current_stage, "Production")
    client.transition_model_version_stage("staged", "3", "Production", archive_existing_versions=True)
    same([client.get_model_version("staged", version).current_stage for version in ("1", "2", "3")], ["Archived", "Archived", "Production"])
    same([version.version for version in client.get_latest_versions("staged", ["Production"])], ["3"])
    same({version.current_stage for version in client.get_latest_versions("staged")}, {"Archived", "Production"})
    refused("INVALID_PARAMETER_VALUE", lambda: client.transition_model_version_stage("staged", "1", "Live"))


@check("copies a version, into a new model and again into the same")
def _():
    model("original", 1)
    for n in ("1", "2"):
        copy = client.copy_model_version("models:/original/1", "the-copy")
        same((copy.name, copy.version, copy.source), ("the-copy", n, "models:/original/1"))
    same(client.get_model_version_download_uri("the-copy", "2"), "s3://bucket/original/0")
    # The client wraps our answer into an error of its own.
    refused("INTERNAL_ERROR", lambda: client.copy_model_version("models:/original/9", "the-copy"), "Model Version (name=original, version=9) not found")


@check("registers prompts, loads them by number, alias and latest")
def _():
    first = mlflow.genai.register_prompt("greeting", "Hello {{name}}!", commit_message="first", tags={"tone": "kind"})
    second = mlflow.genai.register_prompt("greeting", [{"role": "user", "content": "Hi {{name}}"}], commit_message="second")
    same((first.version, second.version), (1, 2))
    mlflow.genai.set_prompt_alias("greeting", "production", 1)
    loaded = mlflow.genai.load_prompt("prompts:/greeting@production")
    same((loaded.version, loaded.template, loaded.commit_message, loaded.tags), (1, "Hello {{name}}!", "first", {"tone": "kind"}))
    same(loaded.format(name="Mia"), "Hello Mia!")
    same(mlflow.genai.load_prompt("greeting", version=2).template, [{"role": "user", "content": "Hi {{name}}"}])
    same(mlflow.genai.load_prompt("prompts:/greeting@latest").version, 2)
    same([prompt.name for prompt in mlflow.genai.search_prompts("name = 'greeting'")], ["greeting"])
    mlflow.genai.delete_prompt_alias("greeting", "production")
    same(mlflow.genai.load_prompt("prompts:/greeting@production", allow_missing=True), None)


@check("keeps the names of prompts and models apart")
def _():
    model("a-model")
    mlflow.genai.register_prompt("a-prompt", "hello")
    refused("RESOURCE_ALREADY_EXISTS", lambda: client.create_registered_model("a-prompt"), "already taken by a prompt")
    refused("INVALID_PARAMETER_VALUE", lambda: mlflow.genai.register_prompt("a-model", "hello"))


@check("deletes versions and models, and registers anew from 1")
def _():
    model("deleted", 2)
    client.delete_model_version("deleted", "1")
    refused("RESOURCE_DOES_NOT_EXIST", lambda: client.get_model_version("deleted", "1"), "Model Version (name=deleted, version=1) not found")
    same([version.version for version in client.search_model_versions("name = 'deleted'")], ["2"])
    client.delete_registered_model("deleted")
    refused("RESOURCE_DOES_NOT_EXIST", lambda: client.get_registered_model("deleted"))
    same([version.version for version in model("deleted", 1)], ["1"])


@check("is told at once what it did wrong")
def _():
    model("wrong")
    refused("RESOURCE_ALREADY_EXISTS", lambda: client.create_registered_model("wrong"), "Registered Model (name=wrong) already exists.")
    refused("INVALID_PARAMETER_VALUE", lambda: client.create_registered_model(""))
    refused("INVALID_PARAMETER_VALUE", lambda: client.create_model_version("wrong", "s3://bucket/../../etc"))
    refused("RESOURCE_DOES_NOT_EXIST", lambda: client.create_model_version("nobody", "s3://bucket/m"), "Registered Model with name=nobody not found")
    refused("INVALID_PARAMETER_VALUE", lambda: client.set_model_version_tag("wrong", "x", "k", "v"))


@check("downloads the bytes of a version that was registered with them")
def _():
    name, version, digest_of = os.environ["WITH_BYTES"], "1", __import__("hashlib").sha256
    with tempfile.TemporaryDirectory() as directory:
        path = mlflow.artifacts.download_artifacts(f"models:/{name}/{version}", dst_path=directory)
        with open(os.path.join(path, "model.onnx"), "rb") as file:
            same("sha256:" + digest_of(file.read()).hexdigest(), os.environ["DIGEST"])


tell()
