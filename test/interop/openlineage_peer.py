"""OpenLineage's own Python client, set on a registry of ours: one line of JSON for each thing that it was seen to do."""

import json
import os
import urllib.parse
import urllib.request
import uuid
from datetime import datetime, timezone

from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import DatasetEvent, InputDataset, Job, JobEvent, OutputDataset, Run, RunEvent, RunState, StaticDataset
from openlineage.client.facet_v2 import dataset_version_dataset, datasource_dataset, job_type_job, output_statistics_output_dataset, parent_run, schema_dataset, source_code_location_job

REGISTRY, PROJECT = os.environ["REGISTRY"], os.environ["PROJECT"]
PRODUCER = "https://example.org/etl"
CHECKS = []

# What a user sets, and nothing more.
os.environ["OPENLINEAGE_URL"] = f"{REGISTRY}/t/{PROJECT}/"
os.environ["OPENLINEAGE_API_KEY"] = os.environ["TOKEN"]
client = OpenLineageClient()


def check(what):
    """Takes a function as a check."""
    return lambda function: CHECKS.append((what, function))


def same(seen, wanted):
    if seen != wanted:
        raise AssertionError(f"saw {seen!r}, wanted {wanted!r}")


def ask(path):
    request = urllib.request.Request(f"{REGISTRY}/v1/projects/{PROJECT}{path}", headers={"Authorization": f"Bearer {os.environ['TOKEN']}"})
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def around(node, more=""):
    return ask(f"/lineage?node={urllib.parse.quote(node)}{more}")


def arrows(graph):
    return {(edge["from"], edge["relation"], edge["to"]) for edge in graph["edges"]}


def now():
    return datetime.now(timezone.utc).isoformat()


RUN, PARENT = str(uuid.uuid4()), str(uuid.uuid4())
DATASET = os.environ["DATASET_VERSION"]


@check("starts and completes a run that reads a table and writes a file, which is our dataset version by its digest")
def _():
    run = Run(runId=RUN, facets={"parent": parent_run.ParentRunFacet(run=parent_run.Run(runId=PARENT), job=parent_run.Job(namespace="etl", name="nightly"))})
    code = source_code_location_job.SourceCodeLocationJobFacet(type="git", url="https://example.org/etl.git", repoUrl="https://example.org/etl.git", version="abcdef0")
    job = Job(namespace="etl", name="export", facets={"sourceCodeLocation": code})
    fields = [schema_dataset.SchemaDatasetFacetFields(name="amount", type="INTEGER")]
    table = InputDataset(namespace="postgres://core", name="public.loans", facets={"schema": schema_dataset.SchemaDatasetFacet(fields=fields)})
    client.emit(RunEvent(eventType=RunState.START, eventTime=now(), run=run, job=job, producer=PRODUCER, inputs=[table]))
    version = dataset_version_dataset.DatasetVersionDatasetFacet(datasetVersion=os.environ["DIGEST"])
    file = OutputDataset(namespace="file", name="/lake/credit.csv", facets={"version": version})
    client.emit(RunEvent(eventType=RunState.COMPLETE, eventTime=now(), run=run, job=job, producer=PRODUCER, outputs=[file]))
    graph = around(f"run:{RUN}")
    for arrow in [
        ("dataset:postgres://core/public.loans", "read", f"run:{RUN}"),
        ("job:etl/export", "run-of", f"run:{RUN}"),
        ("commit:https://example.org/etl.git@abcdef0", "ran-code", f"run:{RUN}"),
        (f"run:{PARENT}", "started-by", f"run:{RUN}"),
        (f"run:{RUN}", "written-by", f"dataset-version:{DATASET}"),
    ]:
        if arrow not in arrows(graph):
            raise AssertionError(f"{arrow} is not among {arrows(graph)}")
    same([node["state"] for node in graph["nodes"] if node["id"] == RUN], ["complete"])


@check("sees its table as a source of our model version")
def _():
    nodes = {node["node"] for node in around(f"model-version:{os.environ['MODEL_VERSION']}", "&direction=up")["nodes"]}
    for node in ["dataset:postgres://core/public.loans", f"run:{RUN}", f"dataset-version:{DATASET}"]:
        if node not in nodes:
            raise AssertionError(f"{node} is not among {nodes}")


@check("sends a dataset and a job by themselves")
def _():
    client.emit(DatasetEvent(eventTime=now(), producer=PRODUCER, dataset=StaticDataset(namespace="lake", name="a")))
    client.emit(JobEvent(eventTime=now(), producer=PRODUCER, job=Job(namespace="etl", name="append"), inputs=[InputDataset(namespace="lake", name="a")], outputs=[OutputDataset(namespace="lake", name="b")]))
    same(arrows(around("job:etl/append")), {("dataset:lake/a", "reads", "job:etl/append"), ("job:etl/append", "writes", "dataset:lake/b")})


@check("is told that a version cannot come from itself")
def _():
    version = {"version": dataset_version_dataset.DatasetVersionDatasetFacet(datasetVersion=os.environ["DIGEST"])}
    event = RunEvent(eventType=RunState.COMPLETE, eventTime=now(), run=Run(runId=str(uuid.uuid4())), job=Job(namespace="etl", name="circle"), producer=PRODUCER, inputs=[InputDataset(namespace="f", name="x", facets=version)], outputs=[OutputDataset(namespace="f", name="x", facets=version)])
    try:
        client.emit(event)
    except Exception as error:
        if "422" not in str(error):
            raise
    else:
        raise AssertionError("it was taken")


FACETS = {
    "version": dataset_version_dataset.DatasetVersionDatasetFacet,
    "dataSource": datasource_dataset.DatasourceDatasetFacet,
    "sourceCodeLocation": source_code_location_job.SourceCodeLocationJobFacet,
    "jobType": job_type_job.JobTypeJobFacet,
    "outputStatistics": output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet,
}


def facet(name, said):
    """The client's own class of the facet, with exactly the fields that we sent, and for the same version of the schema."""
    fields = {key: value for key, value in said.items() if not key.startswith("_")}
    if name == "schema":
        made = schema_dataset.SchemaDatasetFacet(fields=[schema_dataset.SchemaDatasetFacetFields(**one) for one in fields["fields"]])
    else:
        made = FACETS[name](**fields)
    same(said["_schemaURL"], made._get_schema())
    return made


def facets(said):
    return {name: facet(name, each) for name, each in said.items()}


@check("reads what happened here as run events of its own classes")
def _():
    items = ask("/openlineage")["items"]
    names = []
    for item in items:
        event = item["event"]
        same(set(event), {"eventType", "eventTime", "producer", "schemaURL", "run", "job", "inputs", "outputs"})
        made = RunEvent(
            eventType=RunState[event["eventType"]],
            eventTime=event["eventTime"],
            producer=event["producer"],
            run=Run(runId=event["run"]["runId"]),
            job=Job(namespace=event["job"]["namespace"], name=event["job"]["name"], facets=facets(event["job"]["facets"])),
            inputs=[InputDataset(namespace=one["namespace"], name=one["name"], facets=facets(one.get("facets", {}))) for one in event["inputs"]],
            outputs=[OutputDataset(namespace=one["namespace"], name=one["name"], facets=facets(one.get("facets", {})), outputFacets=facets(one.get("outputFacets", {}))) for one in event["outputs"]],
        )
        same(event["schemaURL"], made._get_schema())
        names.append(made.job.name)
    same(names, ["register-dataset-version", "register-model-version"])


for what, function in CHECKS:
    try:
        function()
        print(json.dumps({"what": what}))
    except Exception as error:  # each check tells for itself
        print(json.dumps({"what": what, "why": f"{type(error).__name__}: {error}"[:500]}))
