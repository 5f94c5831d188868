"""The routes of Jobs: machines and prices, start, look, log, cancel; tests say how one goes on."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field
from typing import Any

from tests.hub.access import need, need_login
from tests.hub.people import JOINED, Visitor, object_id
from tests.hub.wire import Answer, Call, Refusal

LOGGED = "2026-01-01T00:00:00.000Z"


@dataclass
class Job:
    """One job: what was asked for, and where it stands."""

    id: str
    owner: str
    spec: dict[str, Any]
    stage: str = "SCHEDULING"
    message: str | None = None
    lines: list[str] = field(default_factory=list)


def _gpu(model: str, vram: str, quantity: str = "1") -> dict[str, str]:
    return {
        "type": "gpu",
        "model": model,
        "quantity": quantity,
        "vram": vram,
        "manufacturer": "Nvidia",
    }


def _machine(name: str, title: str, cpu: str, ram: str, dollars: float, **more: Any) -> Any:
    return {
        "name": name,
        "prettyName": title,
        "cpu": cpu,
        "ram": ram,
        "ephemeralStorage": "50 GB",
        "accelerator": None,
        "unitCostMicroUSD": round(dollars * 1e6),
        "unitCostUSD": dollars,
        "unitLabel": "minute",
        **more,
    }


MACHINES = [
    _machine(
        "a100x4", "4x A100", "48 vCPU", "568 GB", 0.2, accelerator=_gpu("A100", "320 GB", "4")
    ),
    _machine("t4-small", "T4 small", "4 vCPU", "15 GB", 0.01, accelerator=_gpu("T4", "16 GB")),
    _machine("cpu-basic", "CPU Basic", "2 vCPU", "16 GB", 0.0002),
    _machine("odd", "Odd", "2 vCPU", "16 GB", 0.0002, unitLabel="fortnight"),
]


def hardware(_: Call) -> Answer:
    """List the machines, which needs no sign-in."""
    return Answer.of(MACHINES)


def start(call: Call, namespace: str) -> Answer:
    """Take in a job, from who may start one there."""
    visitor = _need_right(call, namespace)
    spec = json.loads(call.body)
    need(spec, "command", "environment", "flavor", "dockerImage")
    job = Job(secrets.token_hex(12), visitor.name, spec)
    call.store.jobs[job.id] = job
    return Answer.of(_described(job))


def look(call: Call, namespace: str, id: str) -> Answer:
    """Say where a job stands."""
    return Answer.of(_described(_find(call, namespace, id)))


def cancel(call: Call, namespace: str, id: str) -> Answer:
    """End a job."""
    job = _find(call, namespace, id)
    job.stage = "CANCELED"
    return Answer.of(_described(job))


def logs(call: Call, namespace: str, id: str) -> Answer:
    """Give the log as events, the last of them if asked."""
    lines = _find(call, namespace, id).lines
    lines = lines[-int(call.first("tail", "0")) :]
    events = [{"data": "===== Job started at 2026-01-01 =====", "timestamp": LOGGED}]
    events += [{"data": line, "timestamp": LOGGED} for line in lines]
    body = "".join(f"data: {json.dumps(event)}\n\n" for event in events)
    return Answer(200, body.encode(), {"Content-Type": "text/event-stream"})


def _need_right(call: Call, namespace: str) -> Visitor:
    visitor = need_login(call)
    if visitor.role in ("read", "oauth") or not visitor.may_write(namespace):
        raise Refusal(403, "Missing permissions: job.write")
    return visitor


def _find(call: Call, namespace: str, id: str) -> Job:
    visitor = need_login(call)
    job = call.store.jobs.get(id)
    if job is None or job.owner != namespace or not visitor.belongs_to(namespace):
        raise Refusal(404, "Job not found")
    return job


def _described(job: Job) -> dict[str, Any]:
    owner = {"id": object_id(job.owner), "name": job.owner, "type": "user"}
    asked = ("dockerImage", "command", "arguments", "environment", "flavor", "labels")
    return {
        "id": job.id,
        "createdAt": JOINED,
        **{key: job.spec.get(key) for key in asked},
        "secrets": sorted(job.spec.get("secrets") or {}),
        "status": {"stage": job.stage, "message": job.message},
        "owner": owner,
    }
