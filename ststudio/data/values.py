"""A column's values as texts or as numbers, whatever they were written as."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

# 4, 4.5, 4,5, .5, 80 %, 1e-3: what people write where a number is meant.
OF = "/|out of|of|von|sur|de|di|van|av|из|z"
SAID = r"[-–:=(]\s*\pL[^\d]{0,30}"  # 5 - identical, 0 (unrelated)
OF_WHAT = rf"\s*(%|percent|pct|stars?|points?|★|({OF})\s*(3|4|5|7|10|100)|{SAID})?\s*$"
NUMBER = r"^\s*[-+]?([0-9]+([.,][0-9]*)?|[.,][0-9]+)([eE][-+]?[0-9]+)?" + OF_WHAT


def as_text(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return values as strings, whole floats without their ".0"."""
    if pa.types.is_boolean(values.type):
        return pc.if_else(values, "true", "false")
    if pa.types.is_floating(values.type):
        numbers = values.to_numpy()
        kept = numbers[~np.isnan(numbers)]
        if len(kept) and np.abs(kept).max() < 2**53 and (kept == np.round(kept)).all():
            values = pa.chunked_array([pa.array(numbers, from_pandas=True)]).cast(pa.int64())
    return values.cast(pa.string())


def as_numbers(values: pa.ChunkedArray) -> np.ndarray:
    """Return values as floats: decimal commas and per cent signs read, NaN where none is one."""
    if pa.types.is_boolean(values.type):
        values = values.cast(pa.int8())
    if not (pa.types.is_string(values.type) or pa.types.is_large_string(values.type)):
        return _finite(values.cast(pa.float64(), safe=False))
    if not len(values):
        return np.zeros(0)
    plain = pc.replace_substring_regex(values, OF_WHAT, "")
    plain = pc.replace_substring_regex(plain, r"[\s+]", "")
    plain = pc.replace_substring(plain, ",", ".")
    matched = pc.fill_null(pc.match_substring_regex(values, NUMBER), False)
    numbers = pc.if_else(matched, plain, pa.scalar(None, plain.type))
    return _finite(numbers.cast(pa.float64()))


def _finite(values: pa.ChunkedArray) -> np.ndarray:
    numbers = np.array(values.to_numpy(), np.float64)
    numbers[~np.isfinite(numbers)] = np.nan
    return numbers
