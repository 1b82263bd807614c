//! The commands around a promotion.

use super::Checked;
use crate::config::raw;
use crate::settings::{HookCommand, HookSettings};
use std::time::Duration;

const HOOK_TIMEOUT: Duration = Duration::from_secs(5);
const HOOK_TIMEOUT_MAX: Duration = Duration::from_secs(45);

pub(super) fn hooks(raw: raw::Hooks) -> Checked<HookSettings> {
    Ok(HookSettings {
        before_promotion: hook("before_promotion", raw.before_promotion)?,
        after_promotion: hook("after_promotion", raw.after_promotion)?,
    })
}

fn hook(name: &str, raw: Option<raw::Hook>) -> Checked<Option<HookCommand>> {
    let Some(raw::Hook { command, timeout }) = raw else {
        return Ok(None);
    };
    if command.first().is_none_or(|program| program.is_empty()) {
        return Err(format!(
            "hooks.{name}.command names no program: give a list, the program first"
        ));
    }
    let timeout = timeout.map_or(HOOK_TIMEOUT, |span| span.0);
    if timeout.is_zero() || timeout > HOOK_TIMEOUT_MAX {
        return Err(format!(
            "hooks.{name}.timeout ({timeout:?}) must be more than 0 and at most {HOOK_TIMEOUT_MAX:?}: a request is void a minute after it was made"
        ));
    }
    Ok(Some(HookCommand { command, timeout }))
}
