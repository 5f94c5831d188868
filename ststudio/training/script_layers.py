"""A model built layer by layer, in a train.py: the same weights by the same seed."""

from collections.abc import Callable, Mapping
from typing import Any

from ststudio.model_input import read_input
from ststudio.shelf import DEFAULT_MODEL, ModelRef, model_folder, packaged_model, tokenizer_folder
from ststudio.training.blueprint import LENGTH, layer_of, needs_weights, settings_of
from ststudio.training.export import Export
from ststudio.training.layers import ACTIVATIONS
from ststudio.training.script_bases import LOADED, pinned
from ststudio.training.script_text import Code, call, literal, named

LAYERS = "sentence_transformers.sentence_transformer.modules"
MODULES = "sentence_transformers.base.modules"
# Layers that say how wide their vectors are; the others leave them as they are.
RESIZING = ("Transformer", "StaticEmbedding", "BoW", "CNN", "Pooling", "Dense")


def built(export: Export, code: Code) -> None:
    """Add the layers of a recipe's modules, in the order in which the run made them."""
    modules = export.recipe.modules or []
    code.add("# The layers, their weights drawn by the seed\n")
    sized = 0  # place of the last layer that says how wide its vectors are
    for place, entry in enumerate(modules):
        key, layer = layer_of(entry).key, layer_of(entry)
        BUILDERS[key](
            export, settings_of(entry), f"layers[{sized}].get_embedding_dimension()", code
        )
        if layer.type in RESIZING:
            sized = place
    arguments = ["modules=layers"]
    if needs_weights(modules):
        arguments += ["prompts=lent.prompts", "default_prompt_name=lent.default_prompt_name"]
    code.add(call("model = SentenceTransformer", arguments))


Builder = Callable[[Export, Mapping[str, Any], str, Code], None]


def _lent(export: Export, settings: Mapping[str, Any], width: str, code: Code) -> None:
    _, source = pinned(export.recipe.base_model, "MODEL")
    code.add(call("lent = SentenceTransformer", [source, LOADED]) + "layers = [lent[0]]\n")


def _tokenizer(export: Export, code: Code) -> None:
    _, source = pinned(export.recipe.base_model, "MODEL")
    code.add(
        f"tokenizer = AutoTokenizer.from_pretrained({source})\n"
        f"vocabulary = AutoConfig.from_pretrained({source}).vocab_size\n",
        "transformers:AutoTokenizer",
        "transformers:AutoConfig",
    )
    if _lowercase(export):
        code.add(
            "inner = tokenizer.backend_tokenizer\n"
            "before = [inner.normalizer] if inner.normalizer else []\n"
            "inner.normalizer = Sequence([Lowercase(), *before])\n",
            "tokenizers.normalizers:Lowercase",
            "tokenizers.normalizers:Sequence",
        )


def _lowercase(export: Export) -> bool:
    """Tell whether sentence-transformers lowers the case for the base model's tokenizer."""
    model = export.recipe.base_model
    if isinstance(model, str):
        return False
    ref = ModelRef(model["id"], model.get("revision", ""), "cache", 0)
    folders = [model_folder(ref), tokenizer_folder(ref)]
    if model["id"] == DEFAULT_MODEL and (packaged := packaged_model()):
        folders.append(packaged)
    here = [folder for folder in folders if folder.is_dir()]
    return any(read_input(folder, model["id"]).lowercase for folder in here[:1])


def _scratch(export: Export, settings: Mapping[str, Any], width: str, code: Code) -> None:
    _tokenizer(export, code)
    length = export.recipe.max_seq_length or LENGTH
    code.add(
        "tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token or tokenizer.unk_token\n"
        'tokenizer.padding_side = "right"\n'
        f"tokenizer.model_max_length = {length}\n"
        + call(
            "config = BertConfig",
            [
                *named(settings),
                "vocab_size=vocabulary",
                f"max_position_embeddings={length}",
                "pad_token_id=tokenizer.pad_token_id",
            ],
        )
        + "with tempfile.TemporaryDirectory() as folder:\n"
        "    AutoModel.from_config(config).save_pretrained(folder)\n"
        "    tokenizer.save_pretrained(folder)\n"
        f"    layers = [Transformer(folder, max_seq_length={length})]\n",
        "tempfile",
        "transformers:AutoModel",
        "transformers:BertConfig",
        f"{MODULES}:Transformer",
    )


def _static(export: Export, settings: Mapping[str, Any], width: str, code: Code) -> None:
    _tokenizer(export, code)
    code.add(
        "tokens = tokenizer.backend_tokenizer\n"
        "tokens.no_truncation()\n"
        "rows = max(vocabulary, tokens.get_vocab_size())\n"
        f"weights = torch.randn(rows, {literal(settings['dimensions'])})\n"
        "layers = [StaticEmbedding(tokens, embedding_weights=weights)]\n",
        f"{LAYERS}:StaticEmbedding",
    )


def _words(export: Export, settings: Mapping[str, Any], width: str, code: Code) -> None:
    code.add(
        f"""\
# The words that most training texts hold; a word of one text only teaches nothing
texts = list(dict.fromkeys(text for column in TEXTS for text in train[column]))
counts = Counter()
for text in texts:
    counts.update({{word.strip(string.punctuation).lower() for word in text.split()}} - {{""}})
shared = [(word, count) for word, count in counts.items() if count > 1]
words = dict(sorted(shared, key=lambda found: (-found[1], found[0]))[:{literal(settings["words"])}])
""",
        "string",
        "collections:Counter",
    )
    if settings["weights"] == "idf":
        code.add(
            "weights = {w: math.log((1 + len(texts)) / (1 + n)) + 1 for w, n in words.items()}\n",
            "math",
        )
    else:
        code.add("weights = dict.fromkeys(words, 1.0)\n")
    code.add("layers = [BoW(list(words), word_weights=weights)]\n", f"{LAYERS}:BoW")


def _behind(name: str, module: str, *settings: str, sized: bool = True) -> Builder:
    """Return the builder of a layer behind the first, which takes these of its settings."""

    def builder(export: Export, given: Mapping[str, Any], width: str, code: Code) -> None:
        values = [literal(given[setting]) for setting in settings]
        inside = ", ".join([*([width] if sized else []), *values])
        code.add(f"layers.append({name}({inside}))\n", f"{module}:{name}")

    return builder


def _dense(export: Export, settings: Mapping[str, Any], width: str, code: Code) -> None:
    (activation,) = (name for name in ACTIVATIONS if name == settings["activation"])
    inside = f"{width}, {literal(settings['out_features'])}"
    line = f"Dense({inside}, activation_function=torch.nn.{activation}())"
    code.add(call("layers.append", [line]), f"{MODULES}:Dense")


BUILDERS: dict[str, Builder] = {
    "Transformer": _lent,
    "Transformer.from_scratch": _scratch,
    "StaticEmbedding": _static,
    "BoW": _words,
    "CNN": _behind("CNN", LAYERS, "out_channels", "kernel_sizes"),
    "Pooling": _behind("Pooling", LAYERS, "mode"),
    "Dense": _dense,
    "LayerNorm": _behind("LayerNorm", LAYERS),
    "Dropout": _behind("Dropout", LAYERS, "dropout", sized=False),
    "Normalize": _behind("Normalize", MODULES, sized=False),
}
