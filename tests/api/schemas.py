# SPDX-License-Identifier: Apache-2.0
"""Values against the schemas of docs/openapi.json."""
import datetime
import json
import re


class Failure(Exception):
    pass


# -- the subset of JSON Schema (OpenAPI 3.0.3, section 4.7.24) that the file uses; anything else in it is refused --

KNOWN = {"type", "nullable", "description", "properties", "required", "additionalProperties", "items", "enum",
         "minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems", "pattern", "format", "allOf", "$ref"}
TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": int}


class Schemas:
    def __init__(self, document):
        self.document = document

    def resolve(self, node):
        while "$ref" in node:
            where = self.document
            for part in node["$ref"].removeprefix("#/").split("/"):
                where = where[part]
            node = where
        return node

    def audit(self, node, where):
        """The schemas themselves: known words, and objects closed."""
        node = self.resolve(node)
        unknown = set(node) - KNOWN
        if unknown:
            raise Failure(f"{where}: the validator does not know {sorted(unknown)}")
        if node.get("type") == "object":
            if node.get("additionalProperties") is not False:
                raise Failure(f"{where}: additionalProperties is not false")
            if set(node.get("required", [])) - set(node.get("properties", {})):
                raise Failure(f"{where}: requires what it does not describe")
        elif "type" not in node and "allOf" not in node:
            raise Failure(f"{where}: has no type")
        for name, child in node.get("properties", {}).items():
            self.audit(child, f"{where}.{name}")
        for child in node.get("allOf", []):
            self.audit(child, where)
        if "items" in node:
            self.audit(node["items"], where + "[]")

    def check(self, value, node, where):
        node = self.resolve(node)
        if value is None:
            if not node.get("nullable"):
                raise Failure(f"{where} is null")
            return
        for part in node.get("allOf", []):
            self.check(value, part, where)
        if "type" not in node:
            return
        kind = TYPES[node["type"]]
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise Failure(f"{where} is {json.dumps(value)[:60]}, not of type {node['type']}")
        if "enum" in node and value not in node["enum"]:
            raise Failure(f"{where} is {value!r}, not one of {node['enum']}")
        getattr(self, "check_" + node["type"])(value, node, where)

    def check_object(self, value, node, where):
        properties = node.get("properties", {})
        if set(value) - set(properties):
            raise Failure(f"{where} has {sorted(set(value) - set(properties))}, which the file does not know")
        missing = set(node.get("required", [])) - set(value)
        if missing:
            raise Failure(f"{where} lacks {sorted(missing)}")
        for name, child in value.items():
            self.check(child, properties[name], f"{where}.{name}")

    def check_array(self, value, node, where):
        if not node.get("minItems", 0) <= len(value) <= node.get("maxItems", len(value)):
            raise Failure(f"{where} has {len(value)} items")
        for index, child in enumerate(value):
            self.check(child, node["items"], f"{where}[{index}]")

    def check_string(self, value, node, where):
        if not node.get("minLength", 0) <= len(value) <= node.get("maxLength", len(value)):
            raise Failure(f"{where} has {len(value)} characters")
        if "pattern" in node and not re.search(node["pattern"], value):
            raise Failure(f"{where} is {value!r}, which does not match {node['pattern']}")
        if node.get("format") == "date-time":
            if not value.endswith("Z"):
                raise Failure(f"{where} is {value!r}, not in UTC")
            datetime.datetime.fromisoformat(value[:-1])

    def check_integer(self, value, node, where):
        if not node.get("minimum", value) <= value <= node.get("maximum", value):
            raise Failure(f"{where} is {value}, out of bounds")

    def check_boolean(self, value, node, where):
        pass
