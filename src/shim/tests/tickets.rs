//! `SESSCACHE_TICKETS=stateful`: which connections forgo the tickets that pass the cache by.

use super::application::{Application, in_both_worlds};
use super::exports;
use super::sharing::{SHARED, where_shared};
use crate::openssl::fake::{FakeConnection, FakeContext};
use crate::openssl::number::*;
use crate::shim::{process, tickets};

const STATEFUL: &[(&str, &str)] = &[("SESSCACHE_TICKETS", "stateful")];
const MODE_CLIENT: i64 = 1;

/// Whether a connection that is made a server's now has tickets.
fn has_tickets(app: &Application) -> bool {
    let connection = app.connect();
    exports::set_accept_state(connection);
    ends_with_tickets(connection)
}

fn ends_with_tickets(connection: FakeConnection) -> bool {
    let options = connection.options();
    connection.close();
    options & OP_NO_TICKET == 0
}

#[test]
fn a_server_with_a_cache_forgoes_them_and_its_context_does_not() {
    where_shared(STATEFUL, || {
        let app = Application::new();
        assert!(!has_tickets(&app));
        app.set_mode_bits(MODE_NO_INTERNAL_STORE | MODE_NO_INTERNAL_LOOKUP);
        assert!(!has_tickets(&app));
        assert_eq!(app.context.options(), 0);
    });
}

#[test]
fn nobody_does_unasked() {
    where_shared(&[], || assert!(has_tickets(&Application::new())));
    where_shared(&[("SESSCACHE_TICKETS", "keep")], || assert!(has_tickets(&Application::new())));
    in_both_worlds(|_| {
        let _process = process::pretend(&[("SESSCACHE_TICKETS", "stateful")]);
        assert!(has_tickets(&Application::new()), "without a shared cache");
    });
}

#[test]
fn a_cache_that_is_off_when_the_role_is_chosen_keeps_them() {
    where_shared(STATEFUL, || {
        let app = Application::new();
        for mode in [0, MODE_CLIENT] {
            app.ctrl(CTRL_SET_SESS_CACHE_MODE, mode);
            assert!(has_tickets(&app));
        }
        let connection = app.connect();
        exports::set_accept_state(connection);
        app.ctrl(CTRL_SET_SESS_CACHE_MODE, MODE_SERVER.into());
        assert!(ends_with_tickets(connection));
        assert!(!has_tickets(&app));
    });
}

#[test]
fn a_context_whose_sessions_are_not_shared_keeps_them() {
    where_shared(STATEFUL, || {
        let app = Application::new();
        assert!(!has_tickets(&app));
        process::keeps_ex_data();
        assert!(has_tickets(&app));
    });
}

#[test]
fn a_service_that_verifies_clients_keeps_them_unless_it_has_a_name() {
    let app = || {
        let app = Application::new();
        app.context.set_verify(1);
        app
    };
    where_shared(STATEFUL, || assert!(has_tickets(&app())));
    where_shared(&[STATEFUL, &[("SESSCACHE_SCOPE", "web")]].concat(), || assert!(!has_tickets(&app())));
}

/// Whether they have forgone them could not be asked while a callback runs.
#[test]
fn quic_keeps_them() {
    where_shared(STATEFUL, || {
        let app = Application::new();
        let connection = app.connect().over_quic();
        exports::set_accept_state(connection);
        assert!(ends_with_tickets(connection));
    });
}

#[test]
fn connections_to_other_servers_keep_them() {
    where_shared(STATEFUL, || {
        let app = Application::new();
        assert!(ends_with_tickets(app.connect().as_client()));
        let server_only = Application::new();
        server_only.context.set_server_method();
        assert!(!ends_with_tickets(server_only.connect()), "its role needs no choice");
    });
}

#[test]
fn an_application_that_has_decided_for_its_context_is_obeyed() {
    for (options, change) in [
        (OP_NO_TICKET, FakeContext::clear_options as fn(FakeContext, u64)),
        (OP_NO_TICKET | 4, FakeContext::clear_options),
    ] {
        where_shared(STATEFUL, || {
            let app = Application::new();
            exports::change_options(app.context, 4, change);
            assert!(!has_tickets(&app), "no decision");
            exports::change_options(app.context, options, change);
            assert!(has_tickets(&app));
            exports::change_options(app.context, options, FakeContext::set_options);
            assert!(!has_tickets(&app), "by its own wish");
        });
    }
}

#[test]
fn an_application_that_has_decided_for_a_connection_is_obeyed() {
    where_shared(STATEFUL, || {
        let app = Application::new();
        let connection = app.connect();
        exports::change_options_of_connection(connection, OP_NO_TICKET, FakeConnection::clear_options);
        exports::set_accept_state(connection);
        assert!(ends_with_tickets(connection));
        // Decided later, and the role chosen once more.
        let connection = app.connect();
        exports::set_accept_state(connection);
        exports::change_options_of_connection(connection, OP_NO_TICKET, FakeConnection::clear_options);
        exports::set_accept_state(connection);
        assert!(ends_with_tickets(connection));
        assert!(!has_tickets(&app), "the next one");
    });
}

/// Other hosts may have them, too.
#[test]
fn whoever_has_ticket_keys_of_his_own_keeps_his_tickets() {
    where_shared(STATEFUL, || {
        let app = Application::new();
        assert!(!has_tickets(&app));
        app.ctrl(CTRL_SET_TICKET_KEYS, 80);
        assert!(has_tickets(&app));
        assert!(!has_tickets(&Application::new()), "another context");
    });
}

/// Without the setting nobody notes what is decided, and nobody asks.
#[test]
fn decisions_matter_to_stateful_tickets_alone() {
    in_both_worlds(|_| {
        let _process = process::pretend(&[SHARED]);
        assert!(!crate::shim::calls::decides_tickets(OP_NO_TICKET));
    });
    where_shared(STATEFUL, || {
        assert!(crate::shim::calls::decides_tickets(OP_NO_TICKET | 1));
        assert!(!crate::shim::calls::decides_tickets(!OP_NO_TICKET));
    });
}

/// libssl copies a connection's options, so it has to be known whose they are.
#[test]
fn a_copy_is_shown_no_more_than_its_original() {
    where_shared(STATEFUL, || {
        let app = Application::new();
        let connection = app.connect();
        exports::set_accept_state(connection);
        let copy = connection.dup();
        connection.close();
        assert_eq!(tickets::shown(copy.view(), copy.options()) & OP_NO_TICKET, 0);
        assert!(!ends_with_tickets(copy));
    });
}

/// Whatever it was when it was made: its options are the original's.
#[test]
fn a_copy_of_one_of_which_nothing_is_decided_is_undecided() {
    where_shared(STATEFUL, || {
        let app = Application::new();
        let connection = app.connect();
        let copy = connection.dup();
        assert_eq!(copy.view().tickets_decided(), connection.view().tickets_decided());
        connection.close();
        exports::set_accept_state(copy);
        assert!(!ends_with_tickets(copy));
    });
}
