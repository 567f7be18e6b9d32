//! A function's routes, told once and collected twice: into a router, which serves them, and into
//! the API document, which describes them. A function on Lambda collects the first alone, and the
//! linker leaves out of it all that only describes.

use axum::{
    Extension, Router,
    handler::Handler,
    routing::{MethodFilter, MethodRouter},
};
use utoipa::{
    __dev::{SchemaReferences, Tags},
    Path,
    openapi::{Components, HttpMethod, OpenApi},
};

use crate::app::App;

/// What routes are collected into.
pub trait Routes: Default {
    /// Adds an operation: what `#[utoipa::path]` made of a handler (`__path_` and its name), and the
    /// handler.
    #[must_use]
    fn operation<P, H, T>(self, described: P, handler: H) -> Self
    where
        P: Path + SchemaReferences + for<'t> Tags<'t>,
        H: Handler<T, App>,
        T: 'static;

    /// Gives the handlers so far something of their own, which they take as an [`Extension`].
    #[must_use]
    fn extension<T: Clone + Send + Sync + 'static>(self, value: T) -> Self;

    /// Adds the routes of another function.
    #[must_use]
    fn merge(self, others: Self) -> Self;
}

impl Routes for Router<App> {
    fn operation<P, H, T>(self, _: P, handler: H) -> Self
    where
        P: Path,
        H: Handler<T, App>,
        T: 'static,
    {
        let methods = P::methods().into_iter();
        let served = methods.fold(MethodRouter::new(), |routed, method| {
            routed.on(filter(&method), handler.clone())
        });
        self.route(&P::path(), served)
    }

    fn extension<T: Clone + Send + Sync + 'static>(self, value: T) -> Self {
        self.layer(Extension(value))
    }

    fn merge(self, others: Self) -> Self {
        Self::merge(self, others)
    }
}

impl Routes for OpenApi {
    fn operation<P, H, T>(mut self, _: P, _: H) -> Self
    where
        P: Path + SchemaReferences + for<'t> Tags<'t>,
    {
        let mut operation = P::operation();
        operation.tags.get_or_insert_default().extend(P::tags().into_iter().map(str::to_owned));
        self.paths.add_path_operation(P::path(), P::methods(), operation);
        let mut schemas = Vec::new();
        P::schemas(&mut schemas);
        self.components.get_or_insert_with(Components::default).schemas.extend(schemas);
        self
    }

    fn extension<T>(self, _: T) -> Self {
        self
    }

    fn merge(mut self, others: Self) -> Self {
        Self::merge(&mut self, others);
        self
    }
}

fn filter(method: &HttpMethod) -> MethodFilter {
    match method {
        HttpMethod::Get => MethodFilter::GET,
        HttpMethod::Put => MethodFilter::PUT,
        HttpMethod::Post => MethodFilter::POST,
        HttpMethod::Delete => MethodFilter::DELETE,
        HttpMethod::Options => MethodFilter::OPTIONS,
        HttpMethod::Head => MethodFilter::HEAD,
        HttpMethod::Patch => MethodFilter::PATCH,
        HttpMethod::Trace => MethodFilter::TRACE,
    }
}
