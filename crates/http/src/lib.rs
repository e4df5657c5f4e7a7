//! HTTP with limits: a server that no client can hold up, problem documents, health, and a small client.
//!
//! Sole owner of axum and hyper. What is served is a [`Router`] that others put together; how it is served is decided
//! here once: every read, every write and every answer has its time, every body its size, and the number of connections
//! its bound.

mod client;
mod gate;
mod health;
mod limits;
mod metrics;
mod patience;
mod problem;
mod server;

pub use axum::body::Body;
pub use axum::extract::{Path, Query, Request, State};
pub use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
pub use axum::response::{IntoResponse, Response};
pub use axum::{Router, routing};

pub use client::{Answer, BaseUrl, Client, ClientError, InvalidUrl};
pub use health::{Bounds, Standing, ViewLag, health};
pub use limits::Limits;
pub use problem::Problem;
pub use server::{bind, serve};
