"""What a model's configuration may say: known keys are kept, dangerous ones refused."""

import re
from collections.abc import Callable
from typing import Any

from ststudio.errors import StudioError
from ststudio.model_shape import MODEL_TYPES

# The fields of those types' configuration classes in transformers 5.23, and the older names that
# these classes still read. Left out on purpose: attn_implementation (may name code on the Hub).
MODEL_KEYS = frozenset(
    """
    activation activation_function add_cross_attention architectures attention_bias
    attention_dropout attention_head_size attention_probs_dropout_prob attn_logit_softcapping
    attn_pdrop bos_token_id classifier_activation classifier_bias classifier_dropout
    classifier_dropout_prob classifier_pooling cls_token_id conv_act conv_kernel_size d_ff d_kv
    d_model decoder_bias decoder_start_token_id deterministic_flash_attn dim dropout dropout_rate
    dtype embd_pdrop embedding_dropout embedding_size eos_token_id feed_forward_proj
    final_logit_softcapping global_attn_every_n_layers global_rope_theta head_dim head_ratio
    hidden_act hidden_activation hidden_dim hidden_dropout hidden_dropout_prob hidden_size
    initializer_cutoff_factor initializer_factor initializer_range inner_group_num
    intermediate_size intra_bottleneck_size is_decoder is_encoder_decoder
    key_query_shared_bottleneck layer_norm_eps layer_norm_epsilon layer_types legacy
    local_attention local_rope_theta mask_token_id max_position_embeddings max_relative_positions
    max_window_layers mlp_bias mlp_dropout model_type n_embd n_head n_heads n_inner n_layer
    n_layers n_positions norm_bias norm_eps norm_rel_ebd normalization_type num_attention_heads
    num_decoder_layers num_feedforward_networks num_groups num_heads num_hidden_groups
    num_hidden_layers num_key_value_heads num_layers pad_token_id partial_rotary_factor
    pooler_dropout pooler_hidden_act pooler_hidden_size pos_att_type position_biased_input
    position_buckets position_embedding_type pretraining_tp qa_dropout query_pre_attn_scalar
    relative_attention relative_attention_max_distance relative_attention_num_buckets
    reorder_and_upcast_attn resid_pdrop rms_norm_eps rope_local_base_freq rope_parameters
    rope_scaling rope_theta rotary_emb_base rotary_pct scale_attn_by_inverse_layer_idx
    scale_attn_weights sep_token_id seq_classif_dropout share_att_key sinusoidal_pos_embds
    sliding_window sliding_window_pattern sparse_pred_ignore_index sparse_prediction
    summary_activation summary_first_dropout summary_last_dropout summary_proj_to_labels
    summary_type summary_use_proj task_type_vocab_size tie_word_embeddings torch_dtype
    transformers_version trigram_input type_vocab_size use_bidirectional_attention use_bottleneck
    use_bottleneck_attention use_cache use_parallel_residual use_sliding_window use_task_id
    vocab_size
    """.split()
)

TOKENIZER_KEYS = frozenset(
    """
    add_bos_token add_eos_token add_prefix_space added_tokens_decoder additional_special_tokens
    backend bos_token clean_up_tokenization_spaces cls_token do_basic_tokenize do_lower_case
    eos_token errors extra_ids extra_special_tokens legacy mask_token max_length
    model_input_names model_max_length model_specific_special_tokens never_split pad_to_multiple_of
    pad_token pad_token_type_id padding_side sep_token split_by_punct split_special_tokens stride
    strip_accents tokenize_chinese_chars tokenizer_class trim_offsets truncation_side
    truncation_strategy unk_token use_default_system_prompt vocab_type
    """.split()
)

TRANSFORMER_KEYS = frozenset(
    "do_lower_case max_seq_length modality_config module_output_name transformer_task".split()
)
FAMILY_KEYS = frozenset(
    "__version__ default_prompt_name model_type prompts similarity_fn_name".split()
)

# Of the modules that have no files of their own format: their constructors' arguments.
MODULE_KEYS: dict[str, frozenset[str]] = {
    "Pooling": frozenset(
        """
        embedding_dimension include_prompt pooling_mode pooling_mode_cls_token
        pooling_mode_lasttoken pooling_mode_max_tokens pooling_mode_mean_sqrt_len_tokens
        pooling_mode_mean_tokens pooling_mode_weightedmean_tokens word_embedding_dimension
        """.split()
    ),
    "Dense": frozenset(
        """
        activation_function bias in_features module_input_name module_output_name out_features
        use_residual
        """.split()
    ),
    "Normalize": frozenset({"module_input_name", "module_output_name"}),
    "LayerNorm": frozenset({"dimension"}),
    "Dropout": frozenset({"dropout"}),
    "StaticEmbedding": frozenset(),
    "WordWeights": frozenset({"vocab", "word_weights", "unknown_word_weight"}),
    "CNN": frozenset(
        """
        in_embedding_dimension in_word_embedding_dimension kernel_sizes out_channels stride_sizes
        """.split()
    ),
    "BoW": frozenset({"vocab", "word_weights", "unknown_word_weight", "cumulative_term_frequency"}),
}

ACTIVATION = re.compile(
    r"torch\.nn\.modules\.(activation\.(ELU|GELU|LeakyReLU|Mish|ReLU|SELU|SiLU|Sigmoid|Softplus"
    r"|Softsign|Tanh)|linear\.Identity)"
)
PLAIN_TEXT = {"text": {"method": "forward", "method_output_name": "last_hidden_state"}}
REFUSED_KEY = re.compile(
    r"auto_map|custom_pipelines|quantization_config|adapter_\w+|kwargs|\w+_kwargs|\w+_args"
    r"|(tokenizer|base_model|processor)_name_or_path|task_adapters|lora_\w+"
)
PROMPT_CHARACTERS = 2_000
Config = dict[str, Any]


def tidy(name: str, module: str, data: object, model: str) -> Config:
    """Return a configuration file with known keys only; raise StudioError for a dangerous one.

    `module` is the class whose folder holds the file `name`.
    """
    if not isinstance(data, dict):
        raise StudioError(f"{model}: {name} holds no configuration. Choose another model.")
    _refuse_keys(data, name, model)
    if name == "added_tokens.json":
        return {str(k): v for k, v in data.items() if isinstance(v, int)}
    kept = {key: value for key, value in data.items() if key in _known(name, module)}
    check = _other_task if name.startswith("sentence_") else CHECKS.get(name)
    unsupported = (check or CHECKS.get(module, _anything))(kept)
    if unsupported:
        raise StudioError(f"{model}: {name} asks for {unsupported}. Choose another model.")
    return kept


def _known(name: str, module: str) -> frozenset[str]:
    if name.startswith("sentence_"):
        return TRANSFORMER_KEYS
    if name in ("tokenizer_config.json", "special_tokens_map.json"):
        return TOKENIZER_KEYS
    if name == "config_sentence_transformers.json":
        return FAMILY_KEYS
    return MODEL_KEYS if module == "Transformer" else MODULE_KEYS[module]


def _refuse_keys(data: Config, name: str, model: str) -> None:
    for key, value in data.items():
        if value and REFUSED_KEY.fullmatch(key) and (name, key) not in HARMLESS:
            raise StudioError(
                f"{model}: {name} holds {key!r}, which can run code or open files, and is refused. "
                "Choose another model."
            )


# Dropped without changing the model: SentencePiece's own code never runs, only its pieces are read.
HARMLESS = {("tokenizer_config.json", "sp_model_kwargs")}


# Each says what is asked for and not supported, or nothing.


def _anything(config: Config) -> str:
    return ""


def _other_task(config: Config) -> str:
    """Check what would choose a class, and a method of it to call."""
    if config.get("transformer_task", "feature-extraction") != "feature-extraction":
        return "a task other than embedding texts"
    if config.get("modality_config", PLAIN_TEXT) != PLAIN_TEXT:
        return "inputs other than text"
    if config.get("module_output_name", "token_embeddings") != "token_embeddings":
        return "an output other than token embeddings"
    return ""


def _other_family(config: Config) -> str:
    if config.get("model_type", "SentenceTransformer") != "SentenceTransformer":
        return f"a {config['model_type']}, not a SentenceTransformer"
    prompts = config.get("prompts") or {}
    if not isinstance(prompts, dict):
        return "prompts that are no texts by name"
    texts = prompts.values()
    if not all(isinstance(text, str) and len(text) <= PROMPT_CHARACTERS for text in texts):
        return f"prompts that are no texts of up to {PROMPT_CHARACTERS:,} characters"
    return ""


def _other_type(config: Config) -> str:
    if str(config.get("model_type")) in MODEL_TYPES:
        return ""
    return (
        f"the model type {config.get('model_type')!r}, while text models of these types can be "
        f"trained here: {', '.join(MODEL_TYPES)}"
    )


def _other_layers(config: Config) -> str:
    activation = config.get("activation_function", "torch.nn.modules.linear.Identity")
    if not (isinstance(activation, str) and ACTIVATION.fullmatch(activation)):
        return f"the activation {activation!r}, which is not one of torch's own"
    names = (config.get("module_input_name"), config.get("module_output_name"))
    if any(name not in (None, "sentence_embedding", "token_embeddings") for name in names):
        return "inputs or outputs that are no embeddings"
    return ""


CHECKS: dict[str, Callable[[Config], str]] = {
    "config_sentence_transformers.json": _other_family,
    "tokenizer_config.json": _anything,
    "special_tokens_map.json": _anything,
    "Transformer": _other_type,
    "Dense": _other_layers,
    "Normalize": _other_layers,
}
