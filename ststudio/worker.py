"""The child process: reads one job after the other from a pipe, and ends when the pipe closes."""

import json
import os
import queue
import sys
import threading
import traceback
from collections.abc import Callable
from typing import Any

from ststudio.errors import StudioError

Handler = Callable[[dict[str, Any]], Any]


def reader() -> Handler:
    """Return the handler that parses one file under limits of memory and time."""
    from ststudio.data.tables import parse_job

    return parse_job


def counter() -> Handler:
    """Return the handler that counts tokens under the same limits."""
    from ststudio.data.tokens import count_job

    return count_job


def trainer() -> Handler:
    """Return the handler that trains the run in a directory, its libraries imported.

    Asked with `pace` instead of a run, it says how fast this machine was while it warmed up.
    """
    from ststudio.training.train import train_job, warm_up

    pace = warm_up()
    return lambda message: {"pace": pace} if "pace" in message else train_job(message)


def encoder() -> Handler:
    """Return the handler that embeds and ranks, its libraries imported."""
    from ststudio.compare.search import encode_job

    return encode_job


def tokenizer() -> Handler:
    """Return the handler that makes tokenizer.json of other files, its library imported."""
    from ststudio.training.tokenizer_json import tokenizer_job

    return tokenizer_job


def mapper() -> Handler:
    """Return the handler that lays out a map."""
    from ststudio.compare.map_job import map_job

    return map_job


def clusterer() -> Handler:
    """Return the handler that groups a map's texts."""
    from ststudio.compare.clusters import cluster_job

    return cluster_job


def miner() -> Handler:
    """Return the handler that looks for hard negatives in a sample of rows."""
    from ststudio.training.hardness import mine_job

    return mine_job


def sizer() -> Handler:
    """Return the handler that measures smaller vectors."""
    from ststudio.compare.sizes import sizes_job

    return sizes_job


def matcher() -> Handler:
    """Return the handler that finds the closest pair, and times cross-encoder passes."""
    from ststudio.compare.closest import closest_job

    return closest_job


def reranker() -> Handler:
    """Return the handler that scores a query with each of its hits, read together."""
    from ststudio.compare.cross_encoder import rerank_job

    return rerank_job


def embedder() -> Handler:
    """Return the handler that embeds a corpus, block by block."""
    from ststudio.compare.embed import embed_job

    return embed_job


def comparer() -> Handler:
    """Return the handler that ranks a run's test queries under both models."""
    from ststudio.compare.changes import changes_job

    return changes_job


JOBS: dict[str, Callable[[], Handler]] = {
    "read": reader,
    "count": counter,
    "train": trainer,
    "encode": encoder,
    "map": mapper,
    "cluster": clusterer,
    "mine": miner,
    "sizes": sizer,
    "closest": matcher,
    "rerank": reranker,
    "embed": embedder,
    "changes": comparer,
    "tokenizer": tokenizer,
}


def listen() -> "queue.Queue[dict[str, Any]]":
    """Read messages on a thread, and end the process at once when the app is gone."""
    messages: queue.Queue[dict[str, Any]] = queue.Queue()

    def read() -> None:
        for line in sys.stdin:
            messages.put(json.loads(line))
        os._exit(0)  # the app closed the pipe or died: nobody waits for this work

    threading.Thread(target=read, daemon=True).start()
    return messages


def answer(handler: Handler, message: dict[str, Any]) -> str:
    """Run one job and turn every way it can fail into an answer, as one line of JSON."""
    try:
        return json.dumps({"result": handler(message)})
    except StudioError as error:
        return json.dumps({"error": str(error)})
    except MemoryError:
        sentence = "This needs more memory than one visitor may use here. Use fewer rows."
        return json.dumps({"error": sentence})
    except BaseException as error:  # a Rust panic in a tokenizer is no Exception
        traceback.print_exc()
        return json.dumps({"crash": type(error).__name__})


def main(job: str) -> None:
    """Serve one kind of job until the pipe closes."""
    # Libraries print; only answers may go where the app listens.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    messages = listen()
    handler = JOBS[job]()
    while True:
        message = messages.get()
        print(answer(handler, message), file=answers, flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
