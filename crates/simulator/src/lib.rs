//! Made-up facts of a licensing regime, for load, for demonstrations and for tests of what finds defects.
//!
//! The same scenario, seed and scale give the same bytes on every machine: integers only, one stream of random numbers per
//! thing that is drawn, no clock. Every line is marked as simulated.

mod application;
mod case;
mod defect;
mod fact;
mod label;
mod license;
mod line;
mod office;
mod oxide;
mod quantile;
mod run;
mod scenario;
mod shipment;
mod simulation;
mod stream;
mod target;

pub use scenario::{Scenario, ScenarioError, ScenarioTexts};
pub use simulation::{Made, Progress, SimulateError, Wanted, simulate};
pub use target::TargetError;
