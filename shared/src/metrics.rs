//! Figures for CloudWatch, as lines of the log in its embedded metric format: no call, no agent, and
//! nothing personal.
//!
//! Format: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>.

use http::StatusCode;
use serde_json::{Map, Value, json};

use crate::{app::App, fields::At, problem::Problem};

/// CloudWatch's namespace of all figures; their one dimension is `function`.
const NAMESPACE: &str = "Latchkey";

/// One figure: its name and value.
pub type Figure = (&'static str, i64);

/// Writes figures, where the function runs under a name that they can be kept by.
pub fn write(app: &App, figures: &[Figure]) {
    if let Some(function) = &app.config().function {
        println!("{}", line(function, app.now(), figures));
    }
}

/// Writes the figures of a request that took so many milliseconds.
pub fn request(app: &App, status: StatusCode, problem: Option<&Problem>, milliseconds: i64) {
    let refused = problem.is_some_and(|p| p.code() == Problem::too_many_attempts(1).code());
    write(
        app,
        &[
            ("Requests", 1),
            ("Failures", i64::from(status.is_server_error())),
            ("Lockouts", i64::from(refused)),
            ("Latency", milliseconds),
        ],
    );
}

fn line(function: &str, at: At, figures: &[Figure]) -> Value {
    let metrics: Vec<Value> = figures
        .iter()
        .map(|(name, _)| {
            let unit = if *name == "Latency" { "Milliseconds" } else { "Count" };
            json!({"Name": name, "Unit": unit})
        })
        .collect();
    let mut line = Map::from_iter([
        ("function".to_owned(), json!(function)),
        (
            "_aws".to_owned(),
            json!({
                "Timestamp": at.millis(),
                "CloudWatchMetrics": [
                    {"Namespace": NAMESPACE, "Dimensions": [["function"]], "Metrics": metrics},
                ],
            }),
        ),
    ]);
    line.extend(figures.iter().map(|(name, value)| ((*name).to_owned(), json!(value))));
    Value::Object(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_names_every_figure_that_it_holds() {
        let line = line("revoke", At::from_millis(7), &[("Requests", 1), ("Latency", 12)]);
        assert_eq!(
            line,
            json!({
                "function": "revoke",
                "Requests": 1,
                "Latency": 12,
                "_aws": {
                    "Timestamp": 7,
                    "CloudWatchMetrics": [{
                        "Namespace": "Latchkey",
                        "Dimensions": [["function"]],
                        "Metrics": [
                            {"Name": "Requests", "Unit": "Count"},
                            {"Name": "Latency", "Unit": "Milliseconds"},
                        ],
                    }],
                },
            })
        );
    }
}
