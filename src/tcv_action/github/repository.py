"""What GitHub knows of a repository, as OCI's usual labels."""

from urllib.parse import quote

from tcv_action.github.api import Api

_PREFIX = "org.opencontainers.image."
_UNKNOWN_LICENCES = {"NOASSERTION", "OTHER"}


def repository_labels(api: Api, name: str) -> dict[str, str]:
    """Return description, licenses (an SPDX expression) and url of the repository `OWNER/NAME`.

    What GitHub does not know is left out. Raises ApiError. Source: OCI image specification 1.1,
    annotations.md.
    """
    facts = api.get(f"/repos/{quote(name)}")
    match facts.get("license"):
        case {"spdx_id": str(licence)} if licence not in _UNKNOWN_LICENCES:
            known = licence
        case _:
            known = ""
    told = {
        "description": " ".join(str(facts.get("description") or "").split()),
        "licenses": known,
        "url": str(facts.get("html_url") or ""),
    }
    return {f"{_PREFIX}{name}": text for name, text in told.items() if text}
