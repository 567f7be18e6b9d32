"""Starts the emulator of AWS, with what it leaves out and our stack rests on:

- `dynamodb:LeadingKeys`, and `dynamodb:Attributes` of updates, as conditions of policies. Without them it
  would let every function touch every item, and nothing would show that the policies say enough.
- A user pool as an issuer at the address where it answers: it signs for AWS's own host name, where it cannot
  be reached. Functions are told that address, too, in place of the name that stands in their environment.
- A password for once as long as our pool wants it. Cognito makes those after the pool's own policy.
- The identity that a mail is sent from, and `ses:FromAddress`. (AWS judges the configuration set too.)
- What a role asked for, and which policies would have refused some of it: `POST /_latchkey/note` and `/_latchkey/missed`.
- Events of SES: `POST /_latchkey/ses-event` puts one on the bus, which only AWS itself may do.

Each rests on the inside of ministack 1.5.33 and stops the start when it is not found there.
"""

import importlib.abc
import importlib.util
import json
import os
import re
import sys
from email.utils import parseaddr

ISSUER = f"http://127.0.0.1:{os.environ['GATEWAY_PORT']}"

# Sources changed as they are imported: module, what is there, what is put in its place, how often.
CHANGES = [
    ("ministack.services.cognito", 'f"https://cognito-idp.{_pool_region(pool_id)}.amazonaws.com/{pool_id}"',
     f'f"{ISSUER}/{{pool_id}}"', 1),
    ("ministack.services.lambda_svc",
     "return {key: value for key, value in env.items() if key not in _RESERVED_RUNTIME_ENV_VARS}",
     "return {key: re.sub(r'^https://cognito-idp\\.[a-z0-9-]+\\.amazonaws\\.com', "
     f"'{ISSUER}', value) for key, value in env.items() if key not in _RESERVED_RUNTIME_ENV_VARS}}", 1),
    ("ministack.services.cognito", 'f"https://cognito-idp.{r}.amazonaws.com/{pool_id}"', f'f"{ISSUER}/{{pool_id}}"', 1),
    ("ministack.services.cognito", "remaining = [secrets.choice(chars) for _ in range(8)]",
     "remaining = [secrets.choice(chars) for _ in range(16)]", 1),
]


class Changed(importlib.abc.MetaPathFinder, importlib.abc.SourceLoader):
    """Loads the modules of `CHANGES` with their changes."""

    def find_spec(self, name, path, target=None):
        if not any(module == name for module, *_ in CHANGES):
            return None
        found = importlib.machinery.PathFinder.find_spec(name, path)
        self.paths = {**getattr(self, "paths", {}), name: found.origin}
        return importlib.util.spec_from_file_location(name, found.origin, loader=self)

    def get_filename(self, name):
        return self.paths[name]

    def get_data(self, path):
        with open(path, "rb") as file:
            return file.read()

    def get_code(self, name):
        source = self.get_data(self.get_filename(name)).decode()
        for module, there, instead, times in CHANGES:
            if module == name:
                assert source.count(there) == times, f"{name} is not the one this was written for: {there}"
                source = source.replace(there, instead)
        return compile(source, self.get_filename(name), "exec")


sys.meta_path.insert(0, Changed())

PATH = re.compile(r"(?<![:\w.#])(#?[A-Za-z_]\w*)((?:\.#?\w+)*)(?!\w*\s*\()")
WORDS = {"SET", "REMOVE", "ADD", "DELETE", "AND", "OR", "NOT", "IN", "BETWEEN"}


def named(part, *expressions):
    """The attributes at the top level that expressions name."""
    names = part.get("ExpressionAttributeNames") or {}
    found = set()
    for expression in expressions:
        for head, _ in PATH.findall(part.get(expression) or ""):
            if head not in WORDS:
                found.add(names.get(head, head))
    return found


def partition_of_query(part):
    names, values = part.get("ExpressionAttributeNames") or {}, part.get("ExpressionAttributeValues") or {}
    partition = "pending" if part.get("IndexName") else "PK"
    for name, value in re.findall(r"(#?\w+)\s*=\s*(:\w+)", part.get("KeyConditionExpression") or ""):
        if names.get(name, name) == partition:
            return [values.get(value, {}).get("S", "")]
    return []


def condition_keys(action, part):
    """The condition keys of one request, or of one item of a transaction."""
    keys = {}
    if action == "BatchGetItem":
        leading = [key.get("PK", {}).get("S", "") for table in (part.get("RequestItems") or {}).values()
                   for key in table.get("Keys", [])]
    elif action == "BatchWriteItem":
        requests = [next(iter(one.values())) for table in part["RequestItems"].values() for one in table]
        leading = [(one.get("Item") or one.get("Key"))["PK"]["S"] for one in requests]
    elif action == "Query":
        leading = partition_of_query(part)
    else:
        leading = [(part.get("Key") or part.get("Item") or {}).get("PK", {}).get("S", "")]
    if any(leading):
        keys["dynamodb:LeadingKeys"] = leading
    if action in ("UpdateItem", "Update"):
        keys["dynamodb:Attributes"] = sorted({"PK", "SK"} | named(part, "UpdateExpression", "ConditionExpression"))
    return keys


def sender_of(body):
    """The address that a mail is from, without the name beside it."""
    try:
        return parseaddr(json.loads(body or b"{}").get("FromEmailAddress") or "")[1]
    except ValueError:
        return ""


class Item(str):
    """An ARN with the condition keys of the one item or mail that it stands for."""

    keys = {}


def complete():
    from ministack.core import iam_actions, iam_evaluator

    context, checks, enforce = (iam_actions.dynamodb_service_context, iam_actions.dynamodb_transaction_checks,
                                iam_evaluator.enforce)
    members = iam_actions._DYNAMODB_TRANSACT_ITEM_ACTIONS
    ses_resource = iam_actions._ses_v2_resource_arn

    def with_keys(body):
        found = context(body)
        try:
            data = json.loads(body or b"{}")
        except ValueError:
            return found
        if "RequestItems" in data:
            writes = any(isinstance(table, list) for table in data["RequestItems"].values())
            action = "BatchWriteItem" if writes else "BatchGetItem"
        elif "KeyConditionExpression" in data:
            action = "Query"
        else:
            action = "UpdateItem" if "UpdateExpression" in data else "other"
        return {**found, **condition_keys(action, data)}

    def item_by_item(iam_action, body, region, account):
        found = checks(iam_action, body, region, account)
        items = json.loads(body or b"{}").get("TransactItems", []) if found else []
        parts = [(member, item[member]) for item in items for member in members if member in item]
        assert len(parts) == len(found)
        result = []
        for (action, arn), (member, part) in zip(found, parts):
            arn = Item(arn)
            arn.keys = condition_keys(member, part)
            result.append((action, arn))
        return result

    def sent_from(method, path, body, region, account):
        if (method, path) != ("POST", "/v2/email/outbound-emails"):
            return ses_resource(method, path, body, region, account)
        address = sender_of(body)
        arn = Item(f"arn:aws:ses:{region}:{account}:identity/{address.rpartition('@')[2]}")
        arn.keys = {"ses:FromAddress": address}
        return arn

    def of_item(access_key, iam_action, service, region, resource_arn="*", service_context=None):
        if isinstance(resource_arn, Item):
            service_context = {**(service_context or {}), **resource_arn.keys}
            resource_arn = str(resource_arn)
        return enforce(access_key, iam_action, service, region, resource_arn=resource_arn,
                       service_context=service_context)

    note_requests(iam_evaluator)
    iam_actions.dynamodb_service_context = with_keys
    iam_actions.dynamodb_transaction_checks = item_by_item
    iam_actions._ses_v2_resource_arn = sent_from
    iam_evaluator.enforce = of_item


# The role whose requests are noted, and these.
noted = {"role": None, "requests": []}


def note_requests(iam_evaluator):
    evaluate = iam_evaluator.evaluate

    def noting(ctx, policies, *limits):
        if noted["role"] and f":assumed-role/{noted['role']}/" in ctx.principal_arn:
            noted["requests"].append(ctx)
        return evaluate(ctx, policies, *limits)

    iam_evaluator.evaluate = noting


def missed(own, documents):
    """How much was asked for that a role's own policy allows, and which policies in its place refuse some of it."""
    from ministack.core.iam_evaluator import _first_match, parse_policy_document

    def allowed(document, requests):
        statements = parse_policy_document(document)
        return [ctx for ctx in requests if _first_match(ctx, statements, "Allow")]

    # At its start every function reads the item of `health`, to open the connection: only one is allowed to.
    requests = allowed(own, noted["requests"])
    return {"requests": len(requests), "missed": [len(allowed(one, requests)) < len(requests) for one in documents]}


def serve_events():
    """Lets the tests speak for SES, and look at what a role asks for."""
    from ministack import app

    special = app._handle_special_data_plane_request

    async def handle(method, path, headers, body, *rest, **named_rest):
        if method == "POST" and path == "/_latchkey/ses-event":
            from ministack.services import eventbridge
            entry = {"Source": "aws.ses", "DetailType": headers.get("x-detail-type", "Email Delivered"),
                     "Detail": body.decode(), "Resources": []}
            eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)
            return 200, {"Content-Type": "application/json"}, b"{}"
        if method == "POST" and path == "/_latchkey/note":
            noted.update(role=json.loads(body)["role"], requests=[])
            return 200, {"Content-Type": "application/json"}, b"{}"
        if method == "POST" and path == "/_latchkey/missed":
            found = missed(**json.loads(body))
            noted.update(role=None, requests=[])
            return 200, {"Content-Type": "application/json"}, json.dumps(found).encode()
        return await special(method, path, headers, body, *rest, **named_rest)

    app._handle_special_data_plane_request = handle
    return app


complete()
serve_events().main()
