use std::io::Write;
use std::num::NonZeroUsize;

use clap::error::ErrorKind;

use super::*;

const SECRET: &str = "0123456789abcdef0123456789abcdef";

fn flags(line: &str) -> Flags {
    let words = std::iter::once("sfu-server").chain(line.split_whitespace());
    Flags::try_parse_from(words).unwrap()
}

fn check(line: &str) -> Result<Config, ConfigError> {
    flags(line).check(Some(SECRET.to_owned()))
}

fn refusal(line: &str, secret: Option<&str>) -> String {
    flags(line)
        .check(secret.map(str::to_owned))
        .unwrap_err()
        .to_string()
}

#[test]
fn development_is_loopback_with_the_published_key_and_needs_nothing_else() {
    let config = flags("--dev").check(None).unwrap();
    assert_eq!(config.http, "127.0.0.1:7880".parse().unwrap());
    assert_eq!(config.grpc, "127.0.0.1:50051".parse().unwrap());
    assert_eq!(config.metrics, "127.0.0.1:9464".parse().unwrap());
    assert_eq!((config.udp_port, config.dtls), (7882, Dtls::V1_2));
    let development = config.development.unwrap();
    assert!(development.published_key && !development.fault_injection);
    assert!(config.workers >= 1 && !config.advertise.is_empty());
}

#[test]
fn all_voices_are_forwarded_unless_a_number_is_given() {
    let voices = |line: &str| flags(line).check(None).unwrap().forwarded_voices;
    assert_eq!(voices("--dev"), None);
    assert_eq!(voices("--dev --forwarded-voices 6"), NonZeroUsize::new(6));
    let none = ["sfu-server", "--dev", "--forwarded-voices", "0"];
    let refused = Flags::try_parse_from(none).unwrap_err().kind();
    assert_eq!(refused, ErrorKind::ValueValidation);
}

#[test]
fn development_towards_other_machines_needs_a_second_flag() {
    for (line, flag) in [
        ("--dev --bind 0.0.0.0", "--bind 0.0.0.0"),
        ("--dev --bind ::", "--bind ::"),
        ("--dev --bind 192.0.2.1", "--bind 192.0.2.1"),
        ("--dev --metrics-bind 0.0.0.0", "--metrics-bind 0.0.0.0"),
    ] {
        let text = refusal(line, None);
        assert!(
            text.contains(flag) && text.contains("--dev-allow-remote"),
            "{text}"
        );
        flags(&format!("{line} --dev-allow-remote"))
            .check(None)
            .unwrap();
    }
    flags("--dev --bind 127.0.0.2").check(None).unwrap();
    flags("--dev --bind ::1").check(None).unwrap();
}

#[test]
fn outside_development_a_key_and_a_long_secret_are_needed() {
    assert!(refusal("", None).contains("--api-key"));
    assert!(refusal("", None).contains("--dev"));
    assert!(refusal("--api-key k", None).contains("--api-secret-file"));
    assert!(refusal("--api-key k", Some("")).contains("--api-secret-file"));
    assert!(refusal("", Some(SECRET)).contains("--api-key"));
    let short = refusal("--api-key k", Some(&SECRET[1..]));
    assert!(
        short.contains("31 bytes") && short.contains("32"),
        "{short}"
    );
    assert!(!short.contains(&SECRET[1..]), "the secret is not repeated");
    let config = check("--api-key k").unwrap();
    assert!(config.development.is_none());
    assert!(
        !format!("{config:?}").contains(SECRET),
        "the secret is not shown"
    );
}

#[test]
fn a_development_key_of_ones_own_is_not_called_published() {
    let config = check("--dev --api-key mine").unwrap();
    assert!(!config.development.unwrap().published_key);
}

#[test]
fn a_secret_s_file_wins_and_loses_its_line_break() {
    let path = std::env::temp_dir().join(format!("sfu-secret-{}", std::process::id()));
    let line = format!("--api-key k --api-secret-file {}", path.display());
    let missing = refusal(&line, Some(SECRET));
    assert!(missing.contains("--api-secret-file") && missing.contains(path.to_str().unwrap()));

    writeln!(std::fs::File::create(&path).unwrap(), "{SECRET}").unwrap();
    let config = flags(&line).check(Some("short".into())).unwrap();
    let minted = config.keys.mint(crate::auth::NewToken::default()).unwrap();
    let same = ApiKeys::new([("k".to_owned(), SECRET.to_owned())], false).unwrap();
    assert!(same.verify(&minted.token).is_ok());

    std::fs::write(&path, "x".repeat(5000)).unwrap();
    assert!(refusal(&line, None).contains("longer than"));
    std::fs::remove_file(&path).unwrap();
}

#[test]
fn media_ports_must_all_exist() {
    let text = refusal("--dev --udp-port 65535 --workers 2", None);
    assert!(
        text.contains("--udp-port 65535") && text.contains("2 workers"),
        "{text}"
    );
    let config = flags("--dev --udp-port 65534 --workers 2")
        .check(None)
        .unwrap();
    assert_eq!((config.udp_port, config.workers), (65534, 2));
    flags("--dev --udp-port 0 --workers 256")
        .check(None)
        .unwrap();
}

#[test]
fn advertised_addresses_are_the_operator_s_in_their_order() {
    let config = check("--api-key k --advertise 203.0.113.9,2001:db8::1 --advertise 10.0.0.1");
    let expected: Vec<IpAddr> = ["203.0.113.9", "2001:db8::1", "10.0.0.1"]
        .map(|ip| ip.parse().unwrap())
        .into();
    assert_eq!(config.unwrap().advertise, expected);
    for wrong in ["0.0.0.0", "::", "239.1.1.1"] {
        let text = refusal(&format!("--dev --advertise {wrong}"), None);
        assert!(
            text.contains("--advertise") && text.contains(wrong),
            "{text}"
        );
    }
}

#[test]
fn of_the_host_s_addresses_those_a_client_can_use_are_kept() {
    let ips = |list: &[&str]| {
        list.iter()
            .map(|ip| ip.parse().unwrap())
            .collect::<Vec<IpAddr>>()
    };
    let host = ips(&["127.0.0.1", "::1", "fe80::1", "2001:db8::1", "192.0.2.1"]);
    let live = addresses::usable(host.clone(), false);
    assert_eq!(live, ips(&["192.0.2.1", "2001:db8::1"]));
    let development = addresses::usable(host, true);
    assert_eq!(
        development,
        ips(&["192.0.2.1", "2001:db8::1", "127.0.0.1", "::1"])
    );
    let alone = ips(&["127.0.0.1"]);
    assert_eq!(addresses::usable(alone.clone(), false), alone);
    assert!(
        host_addresses().iter().any(IpAddr::is_loopback),
        "every test host has loopback"
    );
}

#[test]
fn limits_are_the_operator_s() {
    let config = flags("--dev").check(None).unwrap();
    assert_eq!(config.rooms.joins_per_second, limits::JOINS_PER_SECOND);
    assert_eq!(config.rooms.join_burst, limits::JOIN_BURST);
    assert!(!config.signalling.trust_forwarded_for);
    let help = <Flags as clap::CommandFactory>::command()
        .render_help()
        .to_string();
    let sockets = config.signalling.sockets_per_address;
    assert!(
        help.contains(&format!("one address [default: {sockets}]")),
        "{help}"
    );

    let config = check(
        "--api-key k --joins-per-second 200 --sockets-per-address 9 --max-participants 12 \
         --trust-forwarded-for --remote-unmute",
    );
    let config = config.unwrap();
    assert_eq!(
        (config.rooms.joins_per_second, config.rooms.join_burst),
        (200, 1000)
    );
    assert_eq!(config.rooms.max_participants, 12);
    assert!(config.rooms.remote_unmute);
    assert_eq!(config.signalling.sockets_per_address, 9);
    assert!(config.signalling.trust_forwarded_for);
}

#[test]
fn wrong_flags_are_refused_with_a_suggestion() {
    let parse = |line: &str| {
        let words = std::iter::once("sfu-server").chain(line.split_whitespace());
        Flags::try_parse_from(words).unwrap_err()
    };
    let typo = parse("--dev --http-prot 1");
    assert_eq!(
        (typo.kind(), typo.exit_code()),
        (ErrorKind::UnknownArgument, 2)
    );
    assert!(typo.to_string().contains("--http-port"), "{typo}");
    assert_eq!(
        parse("--dev-allow-remote").kind(),
        ErrorKind::MissingRequiredArgument
    );
    assert_eq!(
        parse("--fault-injection").kind(),
        ErrorKind::MissingRequiredArgument
    );
    assert_eq!(
        parse("--dev --workers 0").kind(),
        ErrorKind::ValueValidation
    );
    assert_eq!(
        parse("--dev --http-port 65536").kind(),
        ErrorKind::ValueValidation
    );
    assert_eq!(parse("--dev --dtls 1.1").kind(), ErrorKind::InvalidValue);
    assert_eq!(parse("--help").kind(), ErrorKind::DisplayHelp);
    assert_eq!(parse("--version").kind(), ErrorKind::DisplayVersion);
}

#[test]
fn the_help_names_the_ports_and_keeps_the_fault_injection_to_itself() {
    let help = <Flags as clap::CommandFactory>::command()
        .render_long_help()
        .to_string();
    for port in ["7880", "7882", "50051", "9464"] {
        assert!(help.contains(port), "{port} in {help}");
    }
    assert!(!help.contains("--fault-injection") && !help.contains("--api-secret "));
    <Flags as clap::CommandFactory>::command().debug_assert();
}
