//! The interface itself, and the server.

use serde_json::Value;

use super::call::Call;
use super::endpoint::{Asked, Endpoint, Nothing, Touches, route};
use crate::error::Result;
use crate::keyring::Keyring;
use crate::watch::{self, Sources, StatusView};

route! {
    "This description of the interface."
    Document = Get "/v1/openapi.json" as "document" for Describe
        (Nothing, Nothing, Nothing) -> Value
}

impl Endpoint for Document {
    async fn touches(_: &mut Call<'_>, _: &Asked<Self>) -> Result<Touches> {
        Ok(Touches::Nothing)
    }

    async fn run(call: &mut Call<'_>, _: Asked<Self>) -> Result<Value> {
        Ok(call.api.document.clone())
    }
}

route! {
    "The server on one screen, and what is not as it should be."
    Status = Get "/v1/status" as "status.show" for ReadStatus
        (Nothing, Nothing, Nothing) -> StatusView
}

impl Endpoint for Status {
    async fn touches(_: &mut Call<'_>, _: &Asked<Self>) -> Result<Touches> {
        Ok(Touches::Everything)
    }

    async fn run(call: &mut Call<'_>, _: Asked<Self>) -> Result<StatusView> {
        let app = &call.api.app;
        let keyring = Keyring::at(&app.config.keys);
        let sources = Sources { config: &app.config, keyring: &keyring };
        let writable = app.store.can_write();
        watch::show_within(&mut call.tx, writable, sources, &app.clock).await
    }
}
