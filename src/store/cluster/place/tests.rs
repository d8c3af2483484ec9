use std::os::unix::fs::symlink;

use super::*;

#[test]
fn a_folder_that_others_may_write_to_or_a_link_is_refused() {
    let temp = tempfile::tempdir().unwrap();
    let open = temp.path().join("open");
    fs::create_dir(&open).unwrap();
    fs::set_permissions(&open, Permissions::from_mode(0o777)).unwrap();
    assert!(matches!(own_folder(&open), Err(ClusterError::NotOurs(_))));

    let ours = temp.path().join("ours");
    own_folder(&ours).unwrap();
    own_folder(&ours).unwrap();
    symlink(&ours, temp.path().join("link")).unwrap();
    assert!(matches!(own_folder(&temp.path().join("link")), Err(ClusterError::NotOurs(_))));
}

#[test]
fn a_folder_of_another_user_is_refused() {
    let temp = tempfile::tempdir().unwrap();
    if !geteuid().is_root() {
        assert!(matches!(own_folder(Path::new("/")), Err(ClusterError::NotOurs(_))));
        return;
    }
    let squat = temp.path().join("squat");
    Account::for_new_data().unwrap().give_folder(&squat).unwrap();
    assert!(matches!(own_folder(&squat), Err(ClusterError::NotOurs(_))));
}

#[test]
fn a_pointer_leads_only_to_a_folder_with_one_of_our_names() {
    let temp = tempfile::tempdir().unwrap();
    let pointer = temp.path().join("postgres.location");
    let read = |written: &str| {
        fs::write(&pointer, written).unwrap();
        read_pointer(&pointer)
    };
    assert!(read("").unwrap().is_none());
    let good = "/var/lib/optin-0123456789abcdef";
    assert_eq!(read(&format!("{good}\n")).unwrap(), Some(PathBuf::from(good)));
    for bad in
        ["/etc\n", "optin-0123456789abcdef\n", "/var/lib/optin-short\n", "/var/lib/optin-0123456789abcdeg"]
    {
        assert!(read(bad).is_err(), "{bad}");
    }
}

#[test]
fn a_data_dir_that_root_keeps_to_itself_names_a_place_elsewhere() {
    let temp = tempfile::tempdir().unwrap();
    fs::set_permissions(temp.path(), Permissions::from_mode(0o700)).unwrap();
    let account = Account::for_new_data().unwrap();
    let home = find_home(temp.path(), &account).unwrap();
    assert!(account.may_enter(&home));
    assert_eq!(find_home(temp.path(), &account).unwrap(), home);
    if geteuid().is_root() {
        assert_eq!(read_pointer(&temp.path().join("postgres.location")).unwrap(), Some(home.clone()));
        fs::remove_dir(home).unwrap();
    } else {
        assert_eq!(home, temp.path().join("postgres"));
    }
}

#[test]
fn a_socket_needs_a_short_and_plain_path() {
    assert!(fits_a_socket(Path::new("/home/someone/project/.optin/postgres/s")));
    assert!(!fits_a_socket(&PathBuf::from("/").join("x".repeat(90))));
    assert!(!fits_a_socket(Path::new("/tmp/a,b")));
    assert!(!fits_a_socket(Path::new("/tmp/a b")));
}

#[test]
fn the_socket_of_a_long_place_is_short_and_the_same_each_time() {
    let temp = tempfile::tempdir().unwrap();
    let home = temp.path().join("long".repeat(40));
    let account = Account::for_new_data().unwrap();
    let socket = find_socket_folder(&home, &account).unwrap();
    assert!(fits_a_socket(&socket));
    assert_eq!(find_socket_folder(&home, &account).unwrap(), socket);
    fs::remove_dir_all(socket.parent().unwrap()).unwrap();
}
