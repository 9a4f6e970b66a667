"""Which requests that are valid by the OpenAPI document the server may refuse nevertheless, and why.

No schema can say these things. Every other refusal of a valid request fails the run, and so does an explanation that no
longer fits any rule of the server: delete it then.
"""

import schemathesis
from schemathesis.core.failures import Failure

# Problem code, and for an error in a field parts of its pointer or its parameters.
EXPLAINED = {
    ("invalid_cursor", ""): "the server signs its cursors",
    ("weak_password", "password"): "the most common passwords, and the user's own names, are refused",
    ("validation_failed", "value", "phone", "bsuid", "interactive", "contacts", "template"): "what an identity, and content as Meta takes it, may look like depends on its kind",
    ("validation_failed", "reason"): "required unless `dry_run` is true",
    ("validation_failed", ""): "a contact needs a name or an identity",
    ("invalid_query", "q"): "a search needs two letters or digits",
    ("invalid_query", "to"): "a range of days has at most 92, and does not end before it begins",
    ("validation_failed", "attributes"): "16 KiB, five levels, and names of at most 100 characters, none with U+0000",
    ("validation_failed", "kind", "account", "error_class"): "these filters of events need a status that has an index",
}

assert len(EXPLAINED) < 10, "fewer than ten refusals may need an explanation"

# Answers that depend on what is stored, on who asks and how often; all of them are documented.
MAY_DEPEND_ON_STATE = {401, 403, 404, 409, 429}
CODES_OF_STATE = {"idempotency_key_reused"}
# Ids of what must be stored, what Meta judges, and times that count from now.
PLACES_OF_STATE = {"account_id", "contact_id", "reply_to", "access_token", "expires_at"}


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
        if not any(explains(key, problem["code"], place) for key in EXPLAINED):
            raise Failure(
                operation=case.operation.label,
                title="Valid request refused without an explanation",
                message=f"{problem['code']} at {place!r}: {error.get('detail', problem['detail'])}",
            )


def explains(key, code, place):
    explained_code, *parts = key
    return explained_code == code and any(
        step == part or (part and step.endswith(part)) for step in place for part in parts
    )
