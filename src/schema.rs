//! How our own types are described in OpenAPI.

use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type};
use utoipa::openapi::{ArrayBuilder, RefOr};
use utoipa::{PartialSchema, ToSchema};

use crate::api_key::{KeyStatus, Scopes};
use crate::clock::Timestamp;
use crate::id::{ApiKeyId, DeviceId, EventId, InvitationCodeId, InvitationId, OrganizationId, SessionId, UserId};
use crate::key_watch::Signal;
use crate::member::Role;

fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

impl PartialSchema for Timestamp {
    fn schema() -> RefOr<Schema> {
        let format = SchemaFormat::KnownFormat(KnownFormat::DateTime);
        text().format(Some(format)).examples(["2026-11-21T09:30:00Z"]).build().into()
    }
}

impl ToSchema for Timestamp {}

impl PartialSchema for Role {
    fn schema() -> RefOr<Schema> {
        text().enum_values(Some(Self::ALL.map(Self::as_str))).build().into()
    }
}

impl ToSchema for Role {}

impl PartialSchema for KeyStatus {
    fn schema() -> RefOr<Schema> {
        text().enum_values(Some(Self::ALL.map(Self::as_str))).build().into()
    }
}

impl ToSchema for KeyStatus {}

impl PartialSchema for Signal {
    fn schema() -> RefOr<Schema> {
        text().enum_values(Some(Self::ALL.map(Self::as_str))).build().into()
    }
}

impl ToSchema for Signal {}

impl PartialSchema for Scopes {
    fn schema() -> RefOr<Schema> {
        ArrayBuilder::new().items(text().examples(["read"]).build()).build().into()
    }
}

impl ToSchema for Scopes {}

macro_rules! ids {
    ($($name:ident)*) => {$(
        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                let pattern = format!("^{}[0-9a-hjkmnp-tv-z]{{26}}$", Self::PREFIX);
                let example = format!("{}01kbk3x5g0r8m4t2v6w9y1z3b5", Self::PREFIX);
                text().pattern(Some(pattern)).examples([example]).build().into()
            }
        }
        impl ToSchema for $name {}
    )*};
}

ids! { ApiKeyId DeviceId EventId InvitationCodeId InvitationId OrganizationId SessionId UserId }
