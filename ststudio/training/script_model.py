"""The model in a train.py: loaded at its commit or built, adapted, without dropout."""

from collections.abc import Mapping
from typing import Any

from ststudio.data.prompts import ALIKE, part_of
from ststudio.model_input import read_input
from ststudio.training.export import Export
from ststudio.training.loss_settings import GUIDE
from ststudio.training.script_bases import LOADED, pinned
from ststudio.training.script_layers import built
from ststudio.training.script_text import Code, call, literal, named


def constants(export: Export) -> str:
    """Return the constants that name the base model and the guide."""
    guide = export.recipe.loss_settings.get(GUIDE)
    lines = pinned(export.recipe.base_model, "MODEL")[0]
    return lines + (pinned(guide, "GUIDE")[0] if guide else "")


SET = "model.prompts |= "


def model_code(export: Export) -> Code:
    """Return the lines that make the model as the run had it before its first step."""
    code = Code(imports={"torch", "sentence_transformers:SentenceTransformer"})
    _, source = pinned(export.recipe.base_model, "MODEL")
    if export.recipe.modules:
        code.add("torch.manual_seed(SEED)\n")
        built(export, code)
    first = read_input(export.run.model_dir, "the fine-tuned model").modules[0]
    code.add("torch.manual_seed(SEED)\n")
    if not export.recipe.modules:
        code.add(call("model = SentenceTransformer", [source, LOADED]))
    if export.recipe.max_seq_length:
        code.add(_length(first, export.recipe.max_seq_length))
    code.add(_prompts(export))
    if first == "Transformer":
        code.add(WITHOUT_DROPOUT)
    if guide := export.recipe.loss_settings.get(GUIDE):
        _, source = pinned(guide, "GUIDE")
        code.add(call("guide = SentenceTransformer", [source, LOADED]))
        code.add("guide.requires_grad_(False).eval()\n")
    if _draws_masks(export):
        code.add(MASKS)
    if export.recipe.lora:
        _adapted(export.recipe.lora, code)
    return code


MASKS = """\
# Dropout that was asked for draws its masks anew: expect numbers close to the run's, not the same.
"""
WITHOUT_DROPOUT = """\
# The run trained without dropout, and so does this script.
for module in model[0].modules():
    if isinstance(module, torch.nn.Dropout):
        module.p = 0.0
    for name, value in vars(module).items():
        if "dropout" in name and isinstance(value, float):  # some attend by a number of their own
            setattr(module, name, 0.0)
"""


def _prompts(export: Export) -> str:
    """Return the lines that name the prompts as encode, encode_query and encode_document do."""
    if not export.prompts:
        return ""
    lines = f"{SET}{literal(export.prompts, 0, len(SET))}\n"
    if part_of(export.case.unit) == ALIKE:
        default = export.family.get("default_prompt_name")
        lines += f"model.default_prompt_name = {literal(default)}\n"
    return lines


def _draws_masks(export: Export) -> bool:
    """Tell whether dropout that was asked for draws masks, which no other machine repeats."""
    layers = export.recipe.modules or []
    rates = [layer.get("dropout", 0.0) for layer in layers] + [
        (export.recipe.lora or {}).get("dropout", 0.0)
    ]
    return any(rates)


def _length(first: str, tokens: int) -> str:
    if first == "StaticEmbedding":  # which knows no limit but its tokenizer's
        return f"model[0].tokenizer.enable_truncation({tokens})\n"
    return f"model.max_seq_length = {tokens}\n"


def _adapted(lora: Mapping[str, Any], code: Code) -> None:
    settings = {"r": lora["r"], "lora_alpha": lora["alpha"], "lora_dropout": lora["dropout"]}
    code.add(
        """\
# LoRA: small matrices learn beside the frozen projections of the attention
transformer = model[0].model
attention = [n for n, m in transformer.named_modules() if "Attention" in type(m).__name__]
projections = [
    name
    for name, module in transformer.named_modules()
    if isinstance(module, (torch.nn.Linear, Conv1D))
    and any(name.startswith(f"{above}.") for above in attention)
]
"""
        + call("settings = LoraConfig", [*named(settings), "target_modules=projections"])
        + "adapter = get_peft_model(transformer, settings)\n",
        "transformers.pytorch_utils:Conv1D",
        "peft:LoraConfig",
        "peft:get_peft_model",
    )
