//! How the document is read.

use super::{Answer, Call, Content, Field, Reference, Section, Shape, Way};
use serde_json::Value;

/// Headers of every answer; the overview tells of them.
const LIMITS: &str = "X-RateLimit-";
/// Fields within fields are named down to here.
const DEEPEST: usize = 3;
/// References to references are followed this far.
const FARTHEST: usize = 8;

impl Reference {
    /// Reads the document. What has a twin under `/v1` is left out.
    pub fn read(document: &str) -> Self {
        let document: &Value = &serde_json::from_str(document).unwrap_or_default();
        let reader = Reader { schemas: &document["components"]["schemas"] };
        let sections = items(&document["tags"]).map(|tag| {
            let title = text(&tag["name"]);
            let calls = operations(document)
                .filter(|(path, method, operation)| {
                    operation["tags"][0] == tag["name"] && !has_twin(document, path, method)
                })
                .map(|(path, method, operation)| reader.call(path, method, operation));
            Section { slug: slug(&title), about: text(&tag["description"]), calls: calls.collect(), title }
        });
        Self { about: text(&document["info"]["description"]), sections: sections.collect() }
    }
}

fn slug(title: &str) -> String {
    title.to_lowercase().replace(' ', "-")
}

/// One of the ways in which a call is authenticated.
fn way(alternative: &Value) -> Way {
    let known = [
        ("bearer", Way::Bearer),
        ("apiKey", Way::ApiKey),
        ("twoFactorToken", Way::TwoFactorToken),
        ("csrf", Way::CookieAndCsrf),
        ("cookie", Way::Cookie),
    ];
    known.into_iter().find(|(scheme, _)| alternative.get(scheme).is_some()).map_or(Way::Nothing, |(_, way)| way)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

fn operations(document: &Value) -> impl Iterator<Item = (&str, &str, &Value)> {
    members(&document["paths"]).flat_map(|(path, item)| {
        members(item).map(move |(method, operation)| (path.as_str(), method.as_str(), operation))
    })
}

/// Whether the same call answers under `/v1` too.
fn has_twin(document: &Value, path: &str, method: &str) -> bool {
    path.strip_prefix("/api/")
        .is_some_and(|rest| document["paths"].get(format!("/v1/{rest}")).is_some_and(|item| item.get(method).is_some()))
}

/// The schemas that others refer to.
struct Reader<'a> {
    schemas: &'a Value,
}

impl<'a> Reader<'a> {
    fn call(&self, path: &str, method: &str, operation: &'a Value) -> Call {
        Call {
            id: text(&operation["operationId"]),
            method: method.to_uppercase(),
            path: path.to_owned(),
            summary: text(&operation["summary"]),
            about: text(&operation["description"]),
            ways: items(&operation["security"]).map(way).collect(),
            parameters: items(&operation["parameters"]).map(|parameter| self.parameter(parameter)).collect(),
            input: self.content(&operation["requestBody"]),
            answers: members(&operation["responses"]).map(|(status, answer)| self.answer(status, answer)).collect(),
        }
    }

    fn answer(&self, status: &str, answer: &'a Value) -> Answer {
        let headers = members(&answer["headers"]).filter(|(name, _)| !name.starts_with(LIMITS));
        Answer {
            status: status.to_owned(),
            about: text(&answer["description"]),
            headers: headers.map(|(name, header)| self.header(name, header)).collect(),
            content: self.content(answer),
        }
    }

    fn parameter(&self, parameter: &'a Value) -> Field {
        let mut field = self.field(&text(&parameter["name"]), &parameter["schema"], parameter["required"] == true);
        field.place = ["path", "query", "header"].into_iter().find(|place| parameter["in"] == *place);
        if let Some(about) = parameter["description"].as_str() {
            about.clone_into(&mut field.about);
        }
        field
    }

    fn header(&self, name: &str, header: &'a Value) -> Field {
        Field {
            about: text(&header["description"]),
            place: Some("header"),
            ..self.field(name, &header["schema"], false)
        }
    }

    /// The body of a request or of an answer.
    fn content(&self, holder: &'a Value) -> Option<Content> {
        let (kind, media) = members(&holder["content"]).next()?;
        let example = media.get("example").or_else(|| self.example(&media["schema"]));
        let example = example.map(|example| match example {
            Value::String(text) => text.clone(),
            other => format!("{other:#}"),
        });
        Some(Content { kind: kind.clone(), shapes: self.shapes(&media["schema"]), example })
    }

    fn example(&self, schema: &'a Value) -> Option<&'a Value> {
        let schema = self.resolved(schema);
        let parts = items(&schema["oneOf"]).chain(items(&schema["allOf"]));
        schema
            .get("example")
            .or_else(|| items(&schema["examples"]).next())
            .or_else(|| parts.filter(|part| *part != schema).find_map(|part| self.example(part)))
    }

    fn shapes(&self, schema: &'a Value) -> Vec<Shape> {
        let resolved = self.resolved(schema);
        let alternatives: Vec<_> = items(&resolved["oneOf"]).filter(|part| !is_null(part)).collect();
        let shape = |schema: &'a Value| {
            let mut fields = Vec::new();
            self.list("", schema, 0, &mut fields);
            Shape { about: self.about(schema), fields }
        };
        let shapes =
            if alternatives.is_empty() { vec![shape(schema)] } else { alternatives.into_iter().map(shape).collect() };
        shapes.into_iter().filter(|shape| !shape.fields.is_empty()).collect()
    }

    /// Lists the fields of an object, and of the objects in it.
    fn list(&self, way: &str, schema: &'a Value, depth: usize, fields: &mut Vec<Field>) {
        let schema = self.resolved(schema);
        if depth > DEEPEST {
            return;
        }
        for part in items(&schema["allOf"]) {
            self.list(way, part, depth, fields);
        }
        if schema.get("items").is_some() {
            return self.list(&format!("{way}[]"), &schema["items"], depth, fields);
        }
        for (name, property) in members(&schema["properties"]) {
            let is_required = items(&schema["required"]).any(|required| required == name);
            let name = if way.is_empty() { name.clone() } else { format!("{way}.{name}") };
            fields.push(self.field(&name, property, is_required));
            self.list(&name, property, depth + 1, fields);
        }
    }

    fn field(&self, name: &str, schema: &'a Value, is_required: bool) -> Field {
        // Elsewhere null is the same as nothing.
        let or_null = if is_required && self.is_nullable(schema) { " or null" } else { "" };
        let kind = format!("{}{or_null}", self.kind(schema));
        Field { name: name.to_owned(), kind, place: None, is_required, about: self.about(schema) }
    }

    fn is_nullable(&self, schema: &'a Value) -> bool {
        let says_null =
            |schema: &Value| items(&schema["oneOf"]).any(is_null) || items(&schema["type"]).any(|kind| kind == "null");
        says_null(schema) || says_null(self.resolved(schema))
    }

    /// What is said of it here, or of what it stands for.
    fn about(&self, schema: &'a Value) -> String {
        let parts = items(&schema["oneOf"]).chain([schema, self.resolved(schema)]);
        parts.into_iter().find_map(|part| part["description"].as_str()).unwrap_or_default().to_owned()
    }

    /// What a value may be, in a few words.
    fn kind(&self, schema: &'a Value) -> String {
        let schema = self.resolved(schema);
        let alternatives: Vec<_> = items(&schema["oneOf"]).filter(|part| !is_null(part)).collect();
        if !alternatives.is_empty() {
            let mut kinds: Vec<_> = alternatives.into_iter().map(|part| self.kind(part)).collect();
            kinds.dedup();
            return kinds.join(" or ");
        }
        let kind = match type_of(schema) {
            "array" => format!("list of {}", self.kind(&schema["items"])),
            "string" if schema["format"] == "date-time" => "time (RFC 3339)".to_owned(),
            "" if schema.get("properties").or_else(|| schema.get("allOf")).is_some() => "object".to_owned(),
            "" => "anything".to_owned(),
            plain => plain.to_owned(),
        };
        [Some(kind), bounds(schema)].into_iter().flatten().collect::<Vec<_>>().join(", ")
    }

    /// The schema that this one stands for.
    fn resolved(&self, schema: &'a Value) -> &'a Value {
        let mut schema = schema;
        for _ in 0..FARTHEST {
            let mut alternatives = items(&schema["oneOf"]).filter(|part| !is_null(part));
            schema = match (schema["$ref"].as_str(), alternatives.next(), alternatives.next()) {
                (Some(reference), _, _) => &self.schemas[reference.rsplit('/').next().unwrap_or_default()],
                (None, Some(only), None) => only,
                _ => return schema,
            };
        }
        schema
    }
}

fn is_null(schema: &Value) -> bool {
    schema["type"] == "null"
}

/// The type, besides null.
fn type_of(schema: &Value) -> &str {
    let kind = &schema["type"];
    kind.as_str().or_else(|| items(kind).filter_map(Value::as_str).find(|kind| *kind != "null")).unwrap_or_default()
}

fn bounds(schema: &Value) -> Option<String> {
    let number = |name: &str| schema[name].as_i64();
    let choices: Vec<_> = items(&schema["enum"]).filter_map(Value::as_str).collect();
    if !choices.is_empty() {
        return Some(choices.join(" or "));
    }
    if let Some(choice) = schema["pattern"].as_str().and_then(|pattern| pattern.strip_prefix("^(")?.strip_suffix(")$"))
    {
        return Some(choice.split('|').collect::<Vec<_>>().join(" or "));
    }
    match (number("minimum"), number("maximum"), number("maxLength")) {
        (Some(least), Some(most), _) => Some(format!("{least} to {most}")),
        (Some(least), None, _) if least > 0 => Some(format!("{least} or more")),
        (None, Some(most), _) => Some(format!("at most {most}")),
        (_, _, Some(most)) => Some(format!("at most {most} characters")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn document() -> String {
        let document = json!({
            "info": { "description": "Everything." },
            "tags": [{ "name": "API keys", "description": "Keys." }, { "name": "Empty" }],
            "paths": {
                "/v1/api-keys/{keyId}": { "post": operation(), "get": { "tags": ["API keys"], "operationId": "read" } },
                "/api/api-keys/{keyId}": { "post": operation() },
                "/api/only-here": { "get": { "tags": ["API keys"], "operationId": "alone", "security": [] } },
            },
            "components": { "schemas": {
                "Change": {
                    "type": "object", "required": ["name"], "example": { "name": "it's" },
                    "properties": {
                        "name": { "type": ["string", "null"], "maxLength": 100, "description": "Its name." },
                        "mode": { "type": "string", "pattern": "^(live|test)$" },
                        "until": { "oneOf": [{ "$ref": "#/components/schemas/Time", "description": "Its end." }, { "type": "null" }] },
                        "owners": { "type": "array", "items": { "$ref": "#/components/schemas/Owner" } },
                    },
                },
                "Time": { "type": "string", "format": "date-time", "description": "An instant." },
                "Owner": {
                    "allOf": [{ "type": "object", "properties": { "id": { "type": "string" } }, "required": ["id"] }],
                    "properties": { "next": { "$ref": "#/components/schemas/Owner" } },
                },
                "Done": { "type": "object", "description": "It is done.", "properties": { "id": { "type": "string" } } },
                "Due": { "type": "object", "description": "More is due.", "properties": { "count": { "type": "integer", "minimum": 1, "maximum": 9 } } },
            } },
        });
        document.to_string()
    }

    fn operation() -> Value {
        json!({
            "tags": ["API keys"], "operationId": "change", "summary": "Change a key",
            "security": [{ "bearer": [] }, { "cookie": [], "csrf": [] }],
            "parameters": [
                { "name": "keyId", "in": "path", "required": true, "schema": { "type": "string" }, "description": "Which." },
                { "name": "dryRun", "in": "query", "required": true, "schema": { "type": "boolean" } },
            ],
            "requestBody": { "content": { "application/json": { "schema": {
                "oneOf": [{ "$ref": "#/components/schemas/Change" }, { "type": "null" }],
            } } } },
            "responses": { "200": { "description": "Changed.", "headers": {
                "X-RateLimit-Limit": { "schema": { "type": "integer" } },
                "X-Auth-User": { "schema": { "type": "string" }, "description": "Who." },
            }, "content": { "application/json": { "schema": {
                "oneOf": [{ "$ref": "#/components/schemas/Done" }, { "$ref": "#/components/schemas/Due" }],
            } } } }, "404": { "description": "Not there." } },
        })
    }

    fn fields(shape: &Shape) -> Vec<(&str, &str, bool, &str)> {
        shape.fields.iter().map(|f| (f.name.as_str(), f.kind.as_str(), f.is_required, f.about.as_str())).collect()
    }

    #[test]
    fn calls_stand_under_their_sections_and_twins_once() {
        let reference = Reference::read(&document());
        let ids: Vec<_> = reference
            .sections
            .iter()
            .flat_map(|section| &section.calls)
            .map(|call| (call.method.as_str(), call.path.as_str()))
            .collect();
        assert_eq!(ids, [("GET", "/api/only-here"), ("GET", "/v1/api-keys/{keyId}"), ("POST", "/v1/api-keys/{keyId}")]);
        assert_eq!(reference.section("api-keys").map(|section| section.about.as_str()), Some("Keys."));
        assert_eq!(reference.section("nothing"), None);
    }

    fn change() -> Call {
        let Reference { sections, .. } = Reference::read(&document());
        sections.into_iter().flat_map(|section| section.calls).find(|call| call.id == "change").expect("there")
    }

    #[test]
    fn fields_are_named_by_their_way_down_to_where_it_turns_in_a_circle() {
        let input = change().input.expect("a body");
        let found = fields(&input.shapes[0]);
        let wanted = [
            ("mode", "string, live or test", false, ""),
            ("name", "string, at most 100 characters or null", true, "Its name."),
            ("owners", "list of object", false, ""),
            ("owners[].id", "string", true, ""),
            ("owners[].next", "object", false, ""),
            ("owners[].next.id", "string", true, ""),
        ];
        for field in wanted {
            assert!(found.contains(&field), "{field:?} in {found:?}");
        }
        assert!(found.contains(&("until", "time (RFC 3339)", false, "Its end.")), "{found:?}");
        assert!(found.len() < 20, "{found:?}");
    }

    #[test]
    fn an_answer_of_two_shapes_has_both_and_its_own_headers() {
        let answers = change().answers;
        let headers = &answers[0].headers;
        assert_eq!((headers.len(), headers[0].name.as_str(), headers[0].about.as_str()), (1, "X-Auth-User", "Who."));
        let content = answers[0].content.as_ref().expect("a body");
        let about: Vec<_> = content.shapes.iter().map(|shape| shape.about.as_str()).collect();
        assert_eq!(about, ["It is done.", "More is due."]);
        assert_eq!(fields(&content.shapes[1]), [("count", "integer, 1 to 9", false, "")]);
        assert_eq!((answers[1].status.as_str(), &answers[1].content), ("404", &None));
    }

    #[test]
    fn the_command_can_be_pasted() {
        let call = change();
        assert_eq!(call.ways, [Way::Bearer, Way::CookieAndCsrf]);
        let command = call.command("https://auth.example.org");
        let lines: Vec<_> = command.lines().map(|line| line.trim().trim_end_matches(" \\")).collect();
        assert_eq!(lines[0], "curl -X POST \"https://auth.example.org/v1/api-keys/$KEY_ID?dryRun=$DRY_RUN\"");
        assert_eq!(lines[1], "-H \"Authorization: Bearer $TOKEN\"");
        assert_eq!(lines[2], "-H 'Content-Type: application/json'");
        assert_eq!(lines[3..].join(""), r#"-d '{"name": "it'\''s"}'"#);
    }

    #[test]
    fn a_document_without_anything_is_an_empty_reference() {
        assert_eq!(Reference::read("{}"), Reference { about: String::new(), sections: Vec::new() });
    }
}
