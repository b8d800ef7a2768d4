//! The times of `valid-after` and `valid-before` in an allowed-signers file.
//!
//! `YYYYMMDD`, `YYYYMMDDHHMM` or `YYYYMMDDHHMMSS`; with a final `Z` (or `UTC`) in UTC, otherwise
//! in the machine's own zone. Like `ssh-keygen`, which ctx the time to C's `mktime` with summer
//! time switched off, a time without `Z` is read in the zone's *standard* time, all year round.

use jiff::civil::{Date, DateTime};
use jiff::tz::{Dst, TimeZone};
use jiff::{SignedDuration, Timestamp};

/// The time zone of this machine.
pub fn local_zone() -> TimeZone {
    TimeZone::system()
}

/// Reads a time as `ssh-keygen` does; seconds since 1970. `None` where it would refuse it too.
pub fn read_time(text: &[u8], zone: &TimeZone) -> Option<u64> {
    let (digits, utc) = match text {
        [digits @ .., b'z' | b'Z'] if !digits.is_empty() => (digits, true),
        [digits @ .., u, t, c]
            if !digits.is_empty() && [*u, *t, *c].eq_ignore_ascii_case(b"UTC") =>
        {
            (digits, true)
        }
        digits => (digits, false),
    };
    if !matches!(digits.len(), 8 | 12 | 14) {
        return None;
    }
    let part = |from: usize, to: usize, low: i64, high: i64| match digits.get(from..to) {
        Some(part) => number(part).filter(|value| (low..=high).contains(value)),
        None => Some(0),
    };
    let (year, month, day) = (part(0, 4, 0, 9999)?, part(4, 6, 1, 12)?, part(6, 8, 1, 31)?);
    let (hour, minute, second) = (part(8, 10, 0, 23)?, part(10, 12, 0, 59)?, part(12, 14, 0, 61)?);
    // A 31st of February is the 3rd of March, a 61st second the next minute's: as C has it.
    let first = Date::new(i16::try_from(year).ok()?, i8::try_from(month).ok()?, 1).ok()?;
    let after = ((day - 1) * 24 + hour) * 3600 + minute * 60 + second;
    let moment = first.to_datetime(jiff::civil::Time::midnight());
    let moment = moment.checked_add(SignedDuration::from_secs(after)).ok()?;
    let zone = if utc { &TimeZone::UTC } else { zone };
    let seconds = in_standard_time(moment, zone)?;
    u64::try_from(seconds).ok().filter(|seconds| *seconds > 0)
}

/// A field of a time; blanks before its digits are allowed, as `strptime` allows them.
fn number(part: &[u8]) -> Option<i64> {
    std::str::from_utf8(part.trim_ascii_start())
        .ok()
        .filter(|text| text.bytes().all(|b| b.is_ascii_digit()))?
        .parse()
        .ok()
}

/// What `mktime` answers with `tm_isdst` 0: where summer time is in force at that moment, the
/// offset is that of the nearest time around it when it is not.
fn in_standard_time(moment: DateTime, zone: &TimeZone) -> Option<i64> {
    /// How far and in what strides glibc looks for such a time.
    const STRIDE: i64 = 601_200;
    const FURTHEST: i64 = 536_454_000;
    let guess = zone.to_ambiguous_timestamp(moment).compatible().ok()?;
    if zone.to_offset_info(guess).dst() == Dst::No {
        return Some(guess.as_second());
    }
    let near = (1..=FURTHEST / STRIDE).flat_map(|n| [-n * STRIDE, n * STRIDE]);
    let standard = near
        .filter_map(|shift| Timestamp::from_second(guess.as_second().checked_add(shift)?).ok())
        .find(|time| zone.to_offset_info(*time).dst() == Dst::No);
    let offset = zone.to_offset_info(standard.unwrap_or(guess)).offset();
    Some(offset.to_timestamp(moment).ok()?.as_second())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn utc(text: &str) -> Option<u64> {
        read_time(text.as_bytes(), &TimeZone::UTC)
    }

    #[test]
    fn the_three_lengths_are_read_and_no_other() {
        assert_eq!(utc("20261120Z"), Some(1_795_132_800));
        assert_eq!(utc("202611201234Z"), Some(1_795_132_800 + 45_240));
        assert_eq!(utc("20261120123456utc"), Some(1_795_132_800 + 45_296));
        for wrong in [
            "",
            "Z",
            "2026",
            "2026112Z",
            "2026112012Z",
            "20261120T",
            "20261320",
            "20261100",
            "20260132",
            "2026112024 0",
        ] {
            assert_eq!(utc(wrong), None, "{wrong}");
        }
        assert_eq!(utc("202611201260"), None);
        assert_eq!(utc("19700101"), None, "the epoch itself means no time at all");
        assert_eq!(utc("19691231"), None);
    }

    #[test]
    fn a_day_that_is_not_there_runs_over_as_in_c() {
        assert_eq!(utc("20260231"), utc("20260303"));
        assert_eq!(utc("20261120235961"), utc("20261121000001"));
        assert_eq!(utc("2026 1 2"), utc("20260102"));
    }

    #[test]
    fn without_z_the_zones_standard_time_holds_also_in_summer() {
        let berlin = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
        let local = |text: &str| read_time(text.as_bytes(), &berlin);
        assert_eq!(local("20261120"), utc("202611192300"));
        assert_eq!(local("20260701"), utc("202606302300"));
        assert_eq!(local("202603290230"), utc("202603290130"));
        assert_eq!(local("202610250230"), utc("202610250130"));
        assert_eq!(local("20260701Z"), utc("20260701"));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text: Vec<u8>, digits in "[0-9 ]{7,15}[Zz]?") {
            let _ = read_time(&text, &TimeZone::UTC);
            let _ = read_time(digits.as_bytes(), &TimeZone::posix("EST5EDT,M3.2.0,M11.1.0").unwrap());
        }
    }
}
