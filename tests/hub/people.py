"""Who calls: tokens, what they may read and write, and how the Hub describes them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Role = Literal["write", "read", "fineGrained", "oauth"]

WRITING_ROLES_IN_AN_ORGANISATION = ("admin", "write", "contributor")
JOINED = "2024-03-01T09:00:00.000Z"
RUNS_OUT = "2027-03-01T09:00:00.000Z"


@dataclass(frozen=True)
class Visitor:
    """One token and the person behind it.

    `fineGrained` writes to the namespaces in `writes` (all of one's own if None); `oauth` is a
    sign-in with the scope contribute-repos: it creates, and sees and writes only what it created.
    """

    name: str
    token: str
    role: Role = "write"
    expired: bool = False
    orgs: Mapping[str, str] = field(default_factory=dict)  # {name: role in the organisation}
    writes: tuple[str, ...] | None = None

    def may_write(self, namespace: str) -> bool:
        """Say whether this token may create or change repositories there."""
        if self.role == "read" or (self.writes is not None and namespace not in self.writes):
            return False
        return namespace == self.name or (
            self.orgs.get(namespace) in WRITING_ROLES_IN_AN_ORGANISATION
        )

    def belongs_to(self, namespace: str) -> bool:
        """Say whether private repositories there are this person's."""
        return namespace == self.name or namespace in self.orgs

    def whoami(self) -> dict[str, Any]:
        """Answer `GET /api/whoami-v2`."""
        return {
            "type": "user",
            "id": object_id(self.name),
            "name": self.name,
            "fullname": self.name.title(),
            "email": f"{self.name}@example.org",
            "emailVerified": True,
            "canPay": False,
            "billingMode": "prepaid",
            "periodEnd": None,
            "isPro": False,
            "avatarUrl": f"https://www.gravatar.com/avatar/{object_id(self.name)}?d=retro&size=100",
            "orgs": [self._organisation(name, role) for name, role in self.orgs.items()],
            "auth": self._auth(),
        }

    @staticmethod
    def _organisation(name: str, role: str) -> dict[str, Any]:
        return {
            "type": "org",
            "id": object_id(name),
            "name": name,
            "fullname": name.title(),
            "email": None,
            "canPay": False,
            "periodEnd": None,
            "avatarUrl": f"https://www.gravatar.com/avatar/{object_id(name)}?d=retro&size=100",
            "roleInOrg": role,
            "isEnterprise": False,
        }

    def _auth(self) -> dict[str, Any]:
        if self.role == "oauth":
            subject = {"sub": object_id(self.name)}
            return {"type": "oauth", "expiresAt": RUNS_OUT, "resource": subject}
        access: dict[str, Any] = {"displayName": f"{self.role} token", "role": self.role}
        access["createdAt"] = JOINED
        if self.role == "fineGrained":
            access["fineGrained"] = self._grants()
        return {"type": "access_token", "accessToken": access}

    def _grants(self) -> dict[str, Any]:
        scoped = []
        for name in (self.name, *self.orgs):
            entity = {
                "_id": object_id(name),
                "type": "user" if name == self.name else "org",
                "name": name,
            }
            permissions = ["repo.content.read"] + ["repo.write"] * self.may_write(name)
            scoped.append({"entity": entity, "permissions": permissions})
        return {"canReadGatedRepos": True, "global": [], "scoped": scoped}


def object_id(name: str) -> str:
    """Give the 24 hexadecimal digits that the Hub's database would."""
    return hashlib.sha1(name.encode()).hexdigest()[:24]
