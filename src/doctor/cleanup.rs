//! Whether the application's own clean-up at start could destroy what is planned for: here, and in
//! every service that the compose files start.

use crate::doctor::services::{Compose, ComposeValue, Service, files, of_application};
use crate::doctor::{Check, DoctorContext};
use crate::model::health::Line;
use crate::model::variables::is_true;

/// The record on the shelf.
pub const CHECK: Check = Check { name: "cleanup", examine };

fn examine(patient: &mut DoctorContext<'_>) -> Vec<Line> {
    let cleanup = &patient.config.cleanup;
    let Some(variable) = cleanup.variable.as_deref().filter(|_| cleanup.at_start) else {
        return Vec::new();
    };
    let mut lines = vec![match cleanup.skip {
        true => Line::ok(
            CHECK.name,
            format!("`{variable}` keeps the application from cleaning up by itself at start"),
        ),
        false => Line::warning(
            CHECK.name,
            "at its start the application itself may drop tables that it does not know, without a backup",
            format!("set `{variable}=true` for the application"),
        ),
    }];
    let directory = patient.config.root.as_path();
    for compose in files(directory).iter().flatten() {
        for service in of_application(compose, patient.url_variable()) {
            // A service that knows nothing of the application's database cleans nothing up.
            if service.environment.contains_key(patient.url_variable()) {
                lines.push(of_service(
                    compose,
                    service,
                    variable,
                    &service.variable(variable, directory),
                ));
            }
        }
    }
    lines
}

fn of_service(compose: &Compose, service: &Service, variable: &str, value: &ComposeValue) -> Line {
    let whose = format!("`{}`: service `{}`", compose.name, service.name);
    let mend = format!("under `environment:` of `{}`: `{variable}=true`", service.name);
    match value {
        ComposeValue::Is(value) if is_true(value) => {
            Line::ok(CHECK.name, format!("{whose} is started with `{variable}={value}`"))
        }
        ComposeValue::Is(value) => {
            let message =
                format!("{whose} is started with `{variable}={value}`, and cleans up by itself");
            Line::warning(CHECK.name, message, mend)
        }
        ComposeValue::Missing if compose.is_partial => {
            let message = format!(
                "{whose}: whether it is started with `{variable}` is unknown, not all of it was read"
            );
            Line::warning(CHECK.name, message, format!("docker compose config | grep {variable}"))
        }
        ComposeValue::Missing => Line::warning(
            CHECK.name,
            format!("{whose} is started without `{variable}`, and cleans up by itself"),
            mend,
        ),
        ComposeValue::Open(open) => {
            let message = format!(
                "{whose}: whether it is started with `{variable}` is unknown, it depends on `{open}`"
            );
            Line::warning(CHECK.name, message, format!("docker compose config | grep {variable}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::health::CheckStatus;

    #[test]
    fn only_a_true_value_keeps_a_service_from_cleaning_up() {
        let compose =
            |is_partial| Compose { name: "compose.yml".into(), services: Vec::new(), is_partial };
        let service = Service { name: "app".into(), ..Service::default() };
        let line = |value, is_partial| of_service(&compose(is_partial), &service, "SKIP", &value);
        let is = |value: &str| ComposeValue::Is(value.to_owned());
        for value in ["1", "true", "YES", " on "] {
            assert_eq!(line(is(value), false).status, CheckStatus::Ok, "{value}");
        }
        for (value, is_partial, said) in [
            (is("false"), false, "cleans up by itself"),
            (is(""), false, "cleans up by itself"),
            (ComposeValue::Missing, false, "without `SKIP`"),
            (ComposeValue::Missing, true, "unknown"),
            (ComposeValue::Open("${SKIP}".into()), false, "unknown"),
        ] {
            let line = line(value, is_partial);
            assert!(
                line.status == CheckStatus::Warning && line.message.contains(said),
                "{}",
                line.message
            );
        }
    }
}
