//! The operations of the document that is served, for tests that walk all of them.

use serde_json::{Value, json};

use super::App;

/// One of them.
pub struct Operation {
    pub method: String,
    /// The template of its path.
    pub path: String,
    /// The media types that its body may have; none when it takes no body.
    pub kinds: Vec<String>,
    /// A body that fits.
    pub example: Value,
    /// The names of the body's fields.
    pub fields: Vec<String>,
    /// The names in its query.
    pub queries: Vec<String>,
    ways: Vec<Value>,
}

impl App {
    /// All of them. What is the same under `/api` as under `/v1` comes once.
    pub async fn operations(&self) -> Vec<Operation> {
        let document = self.stranger().get("/openapi.json").await.assert_status(200).json();
        let paths = document["paths"].as_object().expect("paths");
        let is_mirrored =
            |path: &str| path.strip_prefix("/api").is_some_and(|path| paths.contains_key(&format!("/v1{path}")));
        let mut operations = Vec::new();
        for (path, item) in paths.iter().filter(|(path, _)| !is_mirrored(path)) {
            for (method, described) in item.as_object().expect("methods") {
                operations.push(Operation::read(&document, (method, path), described));
            }
        }
        assert!(operations.len() > 100, "{}", operations.len());
        operations
    }
}

impl Operation {
    fn read(document: &Value, (method, path): (&str, &str), described: &Value) -> Self {
        let content = &described["requestBody"]["content"];
        let schema = &content["application/json"]["schema"];
        let named = [&schema["$ref"], &schema["oneOf"][0]["$ref"]].into_iter().find_map(Value::as_str);
        let schema = named.map_or(schema, |name| document.pointer(name.trim_start_matches('#')).expect("a schema"));
        let keys = |value: &Value| value.as_object().map(|fields| fields.keys().cloned().collect()).unwrap_or_default();
        let queries = described["parameters"].as_array().into_iter().flatten().filter(|given| given["in"] == "query");
        Self {
            method: method.to_uppercase(),
            path: path.to_owned(),
            kinds: keys(content),
            example: if schema["example"].is_object() { schema["example"].clone() } else { json!({}) },
            fields: keys(&schema["properties"]),
            queries: queries.map(|given| given["name"].as_str().expect("a name").to_owned()).collect(),
            ways: described["security"].as_array().cloned().unwrap_or_default(),
        }
    }

    /// `POST /v1/auth/login`
    pub fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// Its path with `id` wherever one is due.
    pub fn at(&self, id: &str) -> String {
        let parts = self.path.split('/').map(|part| if part.starts_with('{') { id } else { part });
        parts.collect::<Vec<_>>().join("/")
    }

    pub fn is_change(&self) -> bool {
        self.method != "GET"
    }

    /// Whether nobody may ask without a credential.
    pub fn is_guarded(&self) -> bool {
        !self.ways.is_empty() && !self.ways.contains(&json!({}))
    }

    /// Whether a credential of this kind is taken.
    pub fn takes(&self, way: &str) -> bool {
        self.ways.iter().any(|known| known.get(way).is_some())
    }

    /// Whether it answers in SynthesQ's shape.
    pub fn is_synthesq(&self) -> bool {
        self.path.starts_with("/api/v1/") || self.path.starts_with("/sanctum/")
    }
}
