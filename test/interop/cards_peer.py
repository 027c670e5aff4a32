"""Reads what `cards.ts` wrote with the readers of others: Croissant by MLCommons, SPDX by its project."""
import io
import json
import sys

import mlcroissant
from spdx_python_model import v3_0_1 as spdx

# What the profiles demand beyond the classes themselves (SPDX 3.0.1, AIPackage and DatasetPackage).
DEMANDED = {
    spdx.ai_AIPackage: ["suppliedBy", "software_downloadLocation", "software_packageVersion", "software_primaryPurpose", "releaseTime"],
    spdx.dataset_DatasetPackage: ["builtTime", "originatedBy", "software_downloadLocation", "software_primaryPurpose", "releaseTime", "dataset_datasetType"],
}


def croissant(document):
    metadata = mlcroissant.Dataset(document).metadata
    if metadata.issues.errors:
        raise ValueError("; ".join(metadata.issues.errors))
    return [field.name for record_set in metadata.record_sets for field in record_set.fields]


def rows(document):
    return [{key: str(value) for key, value in row.items()} for row in mlcroissant.Dataset(document).records("rows")]


def bom(document):
    objects = spdx.SHACLObjectSet()
    spdx.JSONLDDeserializer().read(io.StringIO(json.dumps(document)), objects)
    if objects.missing_ids:
        raise ValueError(f"it refers to what is not there: {objects.missing_ids}")
    for kind, properties in DEMANDED.items():
        for element in objects.foreach_type(kind):
            for name in properties:
                if not getattr(element, name):
                    raise ValueError(f"{kind.__name__} has no {name}")
    # Writing it again checks every class's own rules.
    spdx.JSONLDSerializer().write(objects, io.BytesIO())
    return sorted({type(element).__name__ for element in objects.foreach()})


for line in sys.stdin:
    question = json.loads(line)
    try:
        answer = {"ok": True, "found": {"croissant": croissant, "rows": rows, "spdx": bom}[question["do"]](question["document"])}
    except Exception as error:  # whatever they throw is a finding
        answer = {"ok": False, "why": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), flush=True)
