use super::*;

fn with(pairs: &[(&str, &str)]) -> Config {
    let find = |name: &str| pairs.iter().find(|(of, _)| *of == name).map(|(_, value)| value.to_string());
    Config::load(find).unwrap()
}

fn file(text: &str) -> Result<Config, ConfigError> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("optin.toml");
    std::fs::write(&path, text).unwrap();
    Config::load(|name| match name {
        "OPTIN_CONFIG" => Some(path.display().to_string()),
        "OPTIN_LISTEN" => Some("127.0.0.1:1".into()),
        _ => None,
    })
}

#[test]
fn the_environment_is_over_the_file() {
    let config = file("listen = '127.0.0.1:2'\nprivate_listen = '127.0.0.1:3'").unwrap();
    assert_eq!(config.listen().unwrap().port(), 1);
    assert_eq!(config.private_listen().unwrap().unwrap().port(), 3);
}

#[test]
fn a_public_url_is_https_or_on_this_machine() {
    let public = |url: &str| with(&[("OPTIN_PUBLIC_URL", url)]).public_url();
    assert_eq!(public("https://news.example.org/").unwrap(), "https://news.example.org");
    assert_eq!(public("http://127.0.0.1:8080").unwrap(), "http://127.0.0.1:8080");
    assert_eq!(public("http://[::1]:8080").unwrap(), "http://[::1]:8080");
    assert!(matches!(public("http://news.example.org"), Err(ConfigError::NotHttps)));
    assert!(matches!(public("http://localhost.example.org"), Err(ConfigError::NotHttps)));
    for bad in [
        "news.example.org",
        "ftp://x.example",
        "https://x.example/?a",
        "https://u:p@x.example",
        "https://x.example/a",
        "https://a+b.example",
    ] {
        assert!(matches!(public(bad), Err(ConfigError::Bad(..))), "{bad}");
    }
}

#[test]
fn proxies_are_addresses_and_networks() {
    let proxies = |text: &str| with(&[("OPTIN_PROXIES", text)]).proxies();
    assert!(proxies("").unwrap().is_empty());
    let two = proxies("127.0.0.1, 10.0.0.0/8 ::1").unwrap();
    assert_eq!(
        two.iter().map(IpNet::to_string).collect::<Vec<_>>(),
        ["127.0.0.1/32", "10.0.0.0/8", "::1/128"]
    );
    assert!(matches!(proxies("localhost"), Err(ConfigError::Bad("proxies", _))));
}

#[test]
fn letters_a_minute_are_a_number_in_bounds() {
    let letters = |text: &str| with(&[("OPTIN_LETTERS_PER_MINUTE", text)]).letters_per_minute();
    assert_eq!(letters("").unwrap(), None);
    assert_eq!((letters("1").unwrap(), letters("100000").unwrap()), (Some(1), Some(100_000)));
    for bad in ["0", "100001", "-1", "1.5", "many", "4294967297"] {
        assert!(matches!(letters(bad), Err(ConfigError::Bad("letters_per_minute", _))), "{bad}");
    }
    assert_eq!(file("letters_per_minute = 60").unwrap().letters_per_minute().unwrap(), Some(60));
    assert!(file("letters_per_minute = -60").unwrap().letters_per_minute().is_err());
    assert!(file("letters_per_minute = true").is_err());
}

#[test]
fn what_is_missing_or_misspelt_is_named() {
    let error = with(&[]).database_url().unwrap_err().to_string();
    assert!(error.contains("OPTIN_DATABASE_URL") && error.contains("database_url"), "{error}");
    assert!(file("databse_url = 'x'").unwrap_err().to_string().contains("databse_url"));
    assert!(matches!(with(&[]).controller(), Err(ConfigError::NoController)));
    let nowhere = |name: &str| (name == "OPTIN_CONFIG").then(|| "/nowhere/optin.toml".to_owned());
    assert!(matches!(Config::load(nowhere), Err(ConfigError::Unreadable(..))));
}

#[test]
fn a_mistake_in_the_file_is_told_with_its_line_and_not_quoted() {
    for (text, line) in [
        ("listen = 'a'\n\nlisten = 'b'", 3),
        ("# ü\ndatabase_url = \"postgresql://u:hunter2@db/x\n", 2),
        ("public_url = 'hunter2\n[controller]", 1),
        ("listen = 'a'\ndatabse_url = 'hunter2'", 2),
        ("listen = 'a'\n[controller]\nname = 'hunter2'", 2),
    ] {
        let error = file(text).unwrap_err().to_string();
        assert!(error.contains(&format!("optin.toml, line {line}: ")), "{error}");
        assert!(!error.contains("hunter2") && !error.contains('\n'), "{error}");
    }
}

#[test]
fn a_key_ring_that_others_can_reach_is_refused_until_they_cannot() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("keys.toml");
    std::fs::write(&path, "ring").unwrap();
    let config = with(&[("OPTIN_KEYS_FILE", path.to_str().unwrap())]);
    for (mode, good) in
        [(0o600, true), (0o400, true), (0o640, false), (0o604, false), (0o620, false), (0o700, true)]
    {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        match config.key_ring() {
            Ok(ring) => assert!(good && *ring.text == "ring" && ring.place == path.to_str().unwrap()),
            Err(error) => assert!(!good && error.to_string().contains("chmod 600"), "{mode:o}: {error}"),
        }
    }
    assert_eq!(with(&[("OPTIN_KEYS", "ring")]).key_ring().unwrap().place, "OPTIN_KEYS");
}

#[test]
fn a_controller_is_whole_or_refused() {
    let text = "[controller]\nname='N'\naddress='A'\nregistration=' '\ncomplaints='C'\nauthority='S'\nmail='n@example.org'";
    let config = file(text).unwrap();
    assert!(matches!(config.controller(), Err(ConfigError::EmptyController("registration"))));
    assert!(file(&text.replace("authority='S'\n", "")).is_err());
    let whole = text.replace("' '", "'R 1'");
    assert!(file(&whole).unwrap().controller().is_ok());
    let broken = file(&whole.replace("name='N'", "name=\"N\\nP\"")).unwrap();
    assert!(matches!(broken.controller(), Err(ConfigError::ControllerName)));
}
