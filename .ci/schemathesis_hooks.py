"""Which requests that are valid by the OpenAPI document the server may refuse nevertheless, and why.

No schema can say these things. Every other refusal of a valid request fails the run, and so does an explanation that no
longer fits any rule of the server: delete it then.
"""

import uuid

import schemathesis
from schemathesis.core.failures import Failure

# Problem code, and for an error in a field parts of its pointer or its parameters, or what is wrong with it (`detail`).
EXPLAINED = {
    ("invalid_cursor", ""): "the server signs its cursors",
    ("weak_password", "password"): "the most common passwords, and the user's own names, are refused",
    ("validation_failed", "value", "phone", "bsuid", "emoji", "interactive", "contacts", "template", "components"): "what an identity, and content as Meta takes it, may look like depends on its kind",
    ("validation_failed", "reason", "", "file"): "what is required depends on other fields: a reason unless `dry_run` is true, a contact's name or identity; a file has bytes",
    ("validation_failed", "version", "limit", "overlap_hours"): "a whole number is written without a fraction, 69 and not 69.0",
    ("invalid_query", "q"): "a search needs two letters or digits",
    ("invalid_query", "to", "from"): "a range of days has at most 92, in the years 1970 to 9999, and does not end before it begins",
    ("validation_failed", "attributes", "detail: must not contain the character U+0000"): "attributes have 16 KiB, five levels, and names of at most 100 characters; no text has U+0000",
    ("validation_failed", "kind", "account", "error_class"): "these filters of events need a status that has an index",
}

assert len(EXPLAINED) < 10, "fewer than ten refusals may need an explanation"

# Answers that depend on what is stored, on who asks and how often; all of them are documented.
MAY_DEPEND_ON_STATE = {401, 403, 404, 409, 429}
CODES_OF_STATE = {"idempotency_key_reused", "no_thumbnail"}
# Ids of what must be stored, what Meta judges, and times that count from now.
PLACES_OF_STATE = {"account_id", "app", "contact_id", "plan_code", "reply_to", "access_token", "expires_at"}


@schemathesis.check
def refusals_are_explained(ctx, response, case):
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    status = response.status_code
    if status < 400 or status >= 500 or status in MAY_DEPEND_ON_STATE:
        return
    problem = response.json()
    if problem["code"] in CODES_OF_STATE:
        return
    errors = problem.get("errors") or [{}]
    for error in errors:
        place = (error.get("pointer") or error.get("parameter") or "").strip("/").split("/")
        if place[-1] in PLACES_OF_STATE:
            continue
        if not any(explains(key, problem["code"], place, error.get("detail")) for key in EXPLAINED):
            raise Failure(
                operation=case.operation.label,
                title="Valid request refused without an explanation",
                message=f"{problem['code']} at {place!r}: {error.get('detail', problem['detail'])}",
            )


def explains(key, code, place, detail):
    explained_code, *parts = key
    return explained_code == code and any(
        part == f"detail: {detail}" or step == part or (part and step.endswith(part)) for step in place for part in parts
    )


@schemathesis.hook
def before_call(context, case, kwargs):
    """Gives each valid request a key of its own: with the key of an earlier one it would get that one's answer, and what was
    created may be deleted by now."""
    if case.meta is not None and case.meta.generation.mode.is_positive and "Idempotency-Key" in (case.headers or {}):
        case.headers["Idempotency-Key"] = str(uuid.uuid4())
