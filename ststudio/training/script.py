"""Any run as a standalone train.py: sentence-transformers' own steps, and nothing of ST Studio."""

import re
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

import pyarrow as pa

from ststudio.data.examples import PARTS
from ststudio.data.findings import count
from ststudio.data.reshape import describe, parse_fixes
from ststudio.remote import check_id
from ststudio.runs.run import Run
from ststudio.training import script_measures, script_model, script_source, script_steps
from ststudio.training.export import Export
from ststudio.training.parts import Part
from ststudio.training.script_text import Code, call, comment, imported, literal
from ststudio.training.telling import Telling

PACKAGES = ("sentence-transformers", "transformers", "torch", "accelerate", "datasets")
OLDEST_PYTHON = "3.11"
FOLDER = "data"  # of the rows, beside the script
OWN_MODULES = ("hashlib", "json", "math", "string", "tempfile", "collections", "pathlib")

ABOUT = '''\
"""
Fine-tune a sentence-embedding model, as a run of ST Studio did. Start it with one of these:

    uv run train.py
    python train.py
    accelerate launch --num_processes 2 train.py
"""

'''
READ = '''\
def part(name):
    """Read the rows of one file."""
    return load_dataset("parquet", data_files=f"{DATA}/{name}.parquet", split="train")


'''
CHECKED = """\
if is_main:
    lines = "\\n".join(json.dumps(row) for rows in ({parts}) for row in rows)
    if hashlib.sha256(lines.encode()).hexdigest() != FINGERPRINT:
        print("Warning: these are not the rows of the run. Expect another result than its.")
    before = test_evaluator(model)[METRIC]
"""


def train_script(
    run: Run, push_to: str | None = None, data: str | None = None, epochs: float | None = None
) -> str:
    """Write the script that trains a run's model again.

    Rows come from the Hub by a few lines where those give the very rows of the run, else from
    Parquet files (`exported`): in the folder "data" beside the script, or in the dataset `data` on
    the Hub. `push_to` is the repository that the script pushes its model to; with `epochs` it
    trains for so many, where the run's time may have ended.
    """
    return exported(run, push_to, data, epochs)[0]


def exported(
    run: Run, push_to: str | None = None, data: str | None = None, epochs: float | None = None
) -> tuple[str, dict[str, pa.Table]]:
    """Write the script, and return it with the tables that it reads, each as NAME.parquet."""
    export = Export.of(run) if epochs is None else Export.of(run).longer(epochs)
    push_to = check_id(push_to, "model") if push_to else None
    data = check_id(data, "dataset") if data else None
    telling = None if data else script_source.told(export)
    above = [
        telling.definitions() if telling else Code(READ, {"datasets:load_dataset"}),
        script_measures.defined(export),
        script_steps.callbacks_code(export),
    ]
    steps = _steps(export, telling, push_to)
    imports = {"hashlib", "json"}.union(*(code.imports for code in (*above, *steps.values())))
    if telling is None and data is None:
        imports.add("pathlib:Path")
    numbered = [
        f"# {number}. {title}\n{code.text}"
        for number, (title, code) in enumerate(steps.items(), start=1)
    ]
    parts = (
        _header(export),
        ABOUT,
        _imports(imports),
        _constants(export, telling, push_to, data),
        "\n\n",
        *(code.text for code in above),
        "\n".join(numbered),
    )
    return "".join(parts), {} if telling else _tables(export)


def _tables(export: Export) -> dict[str, pa.Table]:
    tables = {name: getattr(export.examples, name) for name in _parts(export)}
    if not script_measures.searches(export):
        return tables
    queries, corpus, relevant = Part.of_test(export.examples).retrieval()
    pairs = [(query, doc) for query, docs in relevant.items() for doc in sorted(docs)]
    return tables | {
        "queries": pa.table({"id": list(queries), "text": list(queries.values())}),
        "corpus": pa.table({"id": list(corpus), "text": list(corpus.values())}),
        "relevant": pa.table({"query": [q for q, _ in pairs], "doc": [d for _, d in pairs]}),
    }


def _parts(export: Export) -> Sequence[str]:
    return [name for name in PARTS if name != "dev" or export.has_dev]


def _header(export: Export) -> str:
    """Return the metadata by which `uv run` makes the environment (PEP 723)."""
    packages = [*PACKAGES, *(["peft"] if export.recipe.lora else [])]
    pins = (f"{name}=={version(name).partition('+')[0]}" for name in packages)
    lines = "".join(f'#     "{pin}",\n' for pin in pins)
    python = f'# requires-python = ">={OLDEST_PYTHON}"\n'
    return f"# /// script\n{python}# dependencies = [\n{lines}# ]\n# ///\n"


def _imports(names: set[str]) -> str:
    own = {name for name in names if re.split("[.:]", name)[0] in OWN_MODULES}
    return f"{imported(own)}\n{imported(names - own)}\n"


def _constants(
    export: Export, telling: Telling | None, push_to: str | None, data: str | None
) -> str:
    rows, steps = export.examples.train.num_rows, export.course.asked
    batch = export.recipe.per_device_train_batch_size or 0
    epochs = steps * batch / rows
    lines = [
        script_model.constants(export),
        _told(export, telling),
        _where(export, telling, data),
        'OUTPUT = "fine-tuned"\n',
        f"PUSH_TO = {literal(push_to)}\n" if push_to else "",
        f"STEPS = {steps}  # {epochs:.2g} epochs of {count(rows, 'row')}, in one process\n",
        f"BATCH_SIZE = {batch}  # in each process\n",
        f"SEED = {export.recipe.seed}\n",
        f"METRIC = {literal(export.metric)}\n",
        f"TEXTS = {literal(list(export.case.columns))}\n" if _counts_words(export) else "",
        script_steps.course_constants(export),
        f"FINGERPRINT = {literal(export.fingerprint)}  # of the rows\n",
    ]
    return "".join(lines)


def _where(export: Export, telling: Telling | None, data: str | None) -> str:
    """Return the constants that say where the rows lie."""
    if data:
        return f"DATA = {literal(f'hf://datasets/{data}')}\n"
    if telling is None:
        return f"DATA = Path(__file__).parent / {literal(FOLDER)}\n"
    source = export.recipe.source
    return (
        f"DATA = {literal(source['id'])}\n"
        f"DATA_REVISION = {literal(source['revision'])}\n"
        f"COLUMNS = {literal(telling.columns, 0, 10)}\n"
    )


def _counts_words(export: Export) -> bool:
    modules = export.recipe.modules
    return bool(modules and modules[0]["type"] == "BoW")


def _told(export: Export, telling: Telling | None) -> str:
    """Say in words where the rows come from and what was done to them."""
    facts, source = export.run.facts, export.recipe.source
    said = [f"The rows of {facts.get('title') or 'the run'}, as the run used them."]
    if telling is None and source.get("kind") == "hub":
        said.append(
            f"They are of the dataset {source['id']} at {source.get('revision')}. What was done to "
            "them takes more than a few lines, so they lie in files as they were learned from."
        )
    said += [f"{describe(fix)}." for fix in parse_fixes(export.recipe.fixes)]
    said += [f"{note}." for note in facts.get("notes") or ()]
    return "".join(comment(line[:1].upper() + line[1:].replace("..", ".")) for line in said)


def _steps(export: Export, telling: Telling | None, push_to: str | None) -> dict[str, Code]:
    """Return the numbered steps by their titles."""
    rows = telling.written(export.recipe.source) if telling else _rows(export)
    return {
        "The rows: train is learned from, dev watched, test measured": rows,
        "The model": script_model.model_code(export),
        "The training arguments": script_steps.arguments_code(export),
        "The loss": script_steps.loss_code(export),
        "The evaluators": Code(script_measures.evaluators(export, telling is None)),
        "Train": _train(export),
        "Say what changed, and save the model": _end(export, push_to),
    }


def _rows(export: Export) -> Code:
    parts = _parts(export)
    return Code(f"{', '.join(parts)} = {', '.join(f'part({literal(name)})' for name in parts)}\n")


def _train(export: Export) -> Code:
    name = "SentenceTransformerTrainer"
    arguments = ["model=model", "args=args", "train_dataset=train", "loss=loss"]
    if export.has_dev:
        arguments.append("evaluator=dev_evaluator")
    if added := script_steps.callbacks(export):
        arguments.append(f"callbacks=[{', '.join(added)}]")
    text = call(f"trainer = {name}", arguments)
    text += "# The model's card is not to show rows of the data\n"
    text += "model.model_card_data.train_datasets, model.model_card_data.widget = [], []\n"
    text += "is_main = trainer.is_world_process_zero()  # the other processes only train\n"
    text += CHECKED.format(parts=", ".join(_parts(export)))
    return Code(f"{text}trainer.train()\n", {f"sentence_transformers:{name}"})


def _end(export: Export, push_to: str | None) -> Code:
    report: dict[str, Any] = export.run.report or {}
    unit = export.case.unit
    measured = f"The run measured {report['baseline']:.4f} -> {report['score']:.4f}"
    lines = [
        "if is_main:\n",
        f"    after, units = test_evaluator(model)[METRIC], {script_measures.counted(export)}\n",
        f"    # {measured}\n",
        f'    print(f"{{METRIC}} on {{units}} {unit}s: {{before:.4f}} -> {{after:.4f}}")\n',
        '    model.save_pretrained(f"{OUTPUT}/final")\n',
        "    model.push_to_hub(PUSH_TO, private=True, exist_ok=True)\n"
        if push_to
        else '    # model.push_to_hub("you/your-model", private=True)\n',
    ]
    merged = "adapter.merge_and_unload()\n" if export.recipe.lora else ""
    return Code(merged + "".join(lines))
