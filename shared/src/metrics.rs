//! Metrics for CloudWatch, as lines of the log in its embedded metric format: no call, no agent, and
//! nothing personal.
//!
//! A line is written only where there is something to count. How many calls a function had and how
//! long they took, Lambda measures itself, for each function and for nothing; CloudWatch bills every
//! metric of ours by its name and dimensions, for each hour in which it is written.
//!
//! Format: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>.

use http::StatusCode;
use serde_json::{Value, json};

use crate::{app::App, fields::At, problem::Problem};

/// CloudWatch's namespace of all metrics; their one dimension is `deployment`.
const NAMESPACE: &str = "Latchkey";

/// Counts one of what the name says, where the function runs in a deployment that it is kept by.
pub fn count(app: &App, name: &str) {
    if let Some(deployment) = &app.config().deployment {
        println!("{}", line(deployment, app.now(), name));
    }
}

/// Counts what a request came to, unless it was answered as usual.
pub fn request(app: &App, status: StatusCode, problem: Option<&Problem>) {
    if let Some(name) = of_request(status, problem) {
        count(app, name);
    }
}

/// The metric of an answer: a failure, or a refusal because too much was tried.
fn of_request(status: StatusCode, problem: Option<&Problem>) -> Option<&'static str> {
    let locked_out = problem.is_some_and(|p| p.code() == Problem::too_many_attempts(1).code());
    if status.is_server_error() { Some("Failures") } else { locked_out.then_some("Lockouts") }
}

fn line(deployment: &str, at: At, name: &str) -> Value {
    json!({
        "deployment": deployment,
        name: 1,
        "_aws": {
            "Timestamp": at.millis(),
            "CloudWatchMetrics": [{
                "Namespace": NAMESPACE,
                "Dimensions": [["deployment"]],
                "Metrics": [{"Name": name, "Unit": "Count"}],
            }],
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_counts_one_for_the_deployment() {
        assert_eq!(
            line("latchkey", At::from_millis(7), "MailsSent"),
            json!({
                "deployment": "latchkey",
                "MailsSent": 1,
                "_aws": {
                    "Timestamp": 7,
                    "CloudWatchMetrics": [{
                        "Namespace": "Latchkey",
                        "Dimensions": [["deployment"]],
                        "Metrics": [{"Name": "MailsSent", "Unit": "Count"}],
                    }],
                },
            })
        );
    }

    #[test]
    fn only_failures_and_lockouts_are_counted() {
        let of = |problem: Problem| of_request(problem.status(), Some(&problem));
        assert_eq!(of_request(StatusCode::OK, None), None);
        assert_eq!(of(Problem::not_found()), None);
        assert_eq!(of(Problem::too_many_attempts(1)), Some("Lockouts"));
        assert_eq!(of_request(StatusCode::SERVICE_UNAVAILABLE, None), Some("Failures"));
    }
}
