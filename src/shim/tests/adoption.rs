//! Taking contexts over.

use std::cell::Cell;

use super::application::{Application, in_both_worlds, on_new, on_remove};
use super::exports;
use crate::cache::{Capacity, Order, Readd, Rules};
use crate::openssl::fake::{
    self, Exports, FakeContext, Link, Owned, TLS1_2_VERSION, World, by_release, error_queue, get_callback,
    mark_errors, pop_errors, raise_error,
};
use crate::openssl::number::*;
use crate::openssl::{Aside, GetCb, NewCb, RemoveCb, Table, scratch};
use crate::shim::adopt::{adopt_new, state, state_or_adopt};
use crate::shim::process;

#[test]
fn a_new_context_is_adopted_once() {
    in_both_worlds(|_| {
        let context = exports::ctx_new();
        let view = context.view();
        let serial = state(view).expect("adopted").serial;
        adopt_new(view);
        assert_eq!(state_or_adopt(view).expect("still adopted").serial, serial);
        context.free();
    });
}

#[test]
fn the_real_context_neither_stores_nor_looks_up_and_says_so_to_nobody() {
    in_both_worlds(|_| {
        let context = exports::ctx_new();
        assert_eq!(context.ctrl(CTRL_GET_SESS_CACHE_MODE, 0), 0x302);
        assert_eq!(context.ctrl(CTRL_GET_SESS_CACHE_SIZE, 0), 0);
        assert!(context.callbacks().iter().all(Option::is_some), "the trampolines");
        assert_eq!(exports::ctrl(context, CTRL_GET_SESS_CACHE_MODE, 0), 2);
        assert_eq!(exports::ctrl(context, CTRL_GET_SESS_CACHE_SIZE, 0), 20480);
        assert_eq!(exports::get_callbacks(context), [None; 3]);
        context.free();
    });
}

#[test]
fn the_real_mode_follows_the_applications() {
    in_both_worlds(|_| {
        let context = exports::ctx_new();
        for (mode, real) in [(0, 0x300), (3, 0x303), (0x482, 0x382), (0x702, 0x302), (-1, 0xffff_fbff)] {
            exports::ctrl(context, CTRL_SET_SESS_CACHE_MODE, mode);
            assert_eq!(context.ctrl(CTRL_GET_SESS_CACHE_MODE, 0), real, "for {mode:#x}");
            assert_eq!(exports::ctrl(context, CTRL_GET_SESS_CACHE_MODE, 0), mode & 0xffff_ffff);
        }
        context.free();
    });
}

#[test]
fn a_size_is_read_back_and_a_negative_one_is_refused() {
    in_both_worlds(|_| {
        let context = exports::ctx_new();
        assert_eq!(exports::ctrl(context, CTRL_SET_SESS_CACHE_SIZE, 7), 20480);
        assert_eq!(exports::ctrl(context, CTRL_SET_SESS_CACHE_SIZE, -1), 0);
        assert_eq!(exports::ctrl(context, CTRL_GET_SESS_CACHE_SIZE, 0), 7);
        assert_eq!(context.ctrl(CTRL_GET_SESS_CACHE_SIZE, 0), 0);
        context.free();
    });
}

#[test]
fn what_a_context_met_late_had_becomes_the_applications() {
    in_both_worlds(|_| {
        let late = unseen();
        let (new, remove, get) =
            (on_new as NewCb, on_remove as RemoveCb, get_callback::<Application> as GetCb);
        late.set_callbacks(Some(new), Some(remove), Some(get));
        late.ctrl(CTRL_SET_SESS_CACHE_MODE, 0x483);
        late.ctrl(CTRL_SET_SESS_CACHE_SIZE, 5);
        assert!(state_or_adopt(late.view()).is_some());
        assert_eq!(
            exports::get_callbacks(late),
            [Some(new as usize), Some(remove as usize), Some(get as usize)]
        );
        assert!(late.callbacks() != exports::get_callbacks(late));
        assert_eq!(exports::ctrl(late, CTRL_GET_SESS_CACHE_MODE, 0), 0x483);
        assert_eq!(exports::ctrl(late, CTRL_GET_SESS_CACHE_SIZE, 0), 5);
        assert_eq!(late.ctrl(CTRL_GET_SESS_CACHE_MODE, 0), 0x383);
        late.free();
    });
}

#[test]
fn a_context_whose_own_cache_is_in_use_is_left_alone() {
    in_both_worlds(|_| {
        let late = unseen();
        let session = Owned::new(TLS1_2_VERSION, b"there already");
        late.ctrl(CTRL_SET_SESS_CACHE_MODE, 2);
        late.add_session(session.handle());
        assert!(state_or_adopt(late.view()).is_none());
        assert_eq!(exports::ctrl(late, CTRL_SET_SESS_CACHE_SIZE, 3), 20480);
        assert_eq!(late.ctrl(CTRL_GET_SESS_CACHE_SIZE, 0), 3);
        late.free();
        assert_eq!(session.references(), 1);
    });
}

/// A context that was made behind our back, as by a libssl in front of us.
fn unseen() -> FakeContext {
    let context = FakeContext::unseen();
    assert!(state(context.view()).is_none());
    context
}

/// In the PLT world `SSL_CTX_new` tells us even of this one.
#[test]
fn the_scratch_context_is_not_adopted() {
    static WATCHING: Exports = Exports {
        ctx_made: |context| {
            (exports::IN_FRONT.ctx_made)(context);
            MADE.set(Some(context));
        },
        // Asked for by libssl when it is working on it.
        ctrl: |context, command, argument| {
            assert!(state(context.view()).is_none(), "adopted");
            exports::ctrl(context, command, argument)
        },
        ..exports::IN_FRONT
    };
    thread_local! {
        static MADE: Cell<Option<FakeContext>> = const { Cell::new(None) };
    }
    let _world = World::new(Link::Plt, &WATCHING);
    assert_eq!(scratch::make(), process::rules());
    // There is one already, so that this one was given up.
    assert!(!MADE.get().expect("made through the PLT").is_alive());
}

/// What `SSL_CTX_new_ex` makes.
#[test]
fn a_context_met_late_is_adopted_at_its_first_setting_or_connection() {
    type Meeting = fn(FakeContext);
    let meetings: [Meeting; 6] = [
        |context| exports::ssl_new(context).close(),
        |context| assert_eq!(exports::ctrl(context, CTRL_SET_SESS_CACHE_MODE, 2), 2),
        |context| assert_eq!(exports::ctrl(context, CTRL_SET_SESS_CACHE_SIZE, 9), 20480),
        |context| exports::set_new_cb(context, None),
        |context| exports::set_remove_cb(context, None),
        |context| exports::set_get_cb(context, None),
    ];
    in_both_worlds(|_| {
        for meet in meetings {
            let context = unseen();
            assert_eq!(exports::ctrl(context, CTRL_SESS_NUMBER, 0), 0);
            assert!(state(context.view()).is_none(), "libssl asks for numbers under its lock");
            meet(context);
            assert!(state(context.view()).is_some());
            context.free();
        }
    });
}

#[test]
fn the_rules_are_those_of_the_release() {
    in_both_worlds(|_| {
        let rules = process::rules().expect("rules");
        let rules_of = |order, capacity, readd| Rules { order, capacity, readd };
        let expected = by_release(
            rules_of(Order::Insertion, Capacity::Size, Readd::Keep),
            rules_of(Order::Expiry, Capacity::OneLess, Readd::Resort),
            rules_of(Order::Expiry, Capacity::OneLess, Readd::Keep),
            rules_of(Order::Expiry, Capacity::OneLess, Readd::Keep),
        );
        assert_eq!(rules, expected);
    });
}

/// 1.1.1 has one mark for each error, which would be the application's own: there it stays alone.
#[test]
fn errors_of_our_own_calls_leave_the_applications_queue_as_it_was() {
    in_both_worlds(|_| {
        for before in [vec![], vec![7], vec![7, 8]] {
            before.iter().copied().for_each(raise_error);
            // Making a context leaves an error behind in this libssl.
            scratch::make().expect("rules");
            let mut queue = error_queue();
            let added = queue.split_off(before.len());
            assert_eq!((queue, added.len()), (before, by_release(added.len(), 0, 0, 0)));
        }
    });
}

#[test]
fn a_mark_of_the_application_in_its_error_queue_survives() {
    in_both_worlds(|_| {
        raise_error(7);
        assert!(mark_errors());
        scratch::make().expect("rules");
        raise_error(8);
        assert!(pop_errors(), "the mark is there");
        assert_eq!(error_queue(), [7]);
    });
}

#[test]
fn controls_that_are_not_about_the_cache_pass_through() {
    in_both_worlds(|world| {
        let context = exports::ctx_new();
        assert_eq!(exports::ctrl(context, 33, 4), 1033);
        assert_eq!(world.other_controls(), [(33, 4)]);
        context.free();
    });
}

#[test]
fn a_libssl_that_lacks_a_function_is_named_with_it() {
    let version = fake::Release::played().version;
    assert!(fake::table().complete(version).is_ok());
    let mut table: Table = fake::table();
    table.ctx_add_session = None;
    let missing = table.complete(version).err().map(Aside::MissingSymbol);
    assert_eq!(missing, Some(Aside::MissingSymbol(c"SSL_CTX_add_session")));
}

#[test]
fn a_context_that_is_being_freed_is_not_adopted_anew() {
    in_both_worlds(|_| {
        let index = fake::new_index(EX_INDEX_SSL_CTX, Some(asks_late));
        let context = exports::ctx_new();
        assert!(context.set_ex_data(index, context.as_ptr().cast()));
        context.free();
    });
}

/// An application's free function, after ours has run.
extern "C-unwind" fn asks_late(
    _context: *mut libc::c_void,
    value: *mut libc::c_void,
    _: *mut libc::c_void,
    index: libc::c_int,
    _: libc::c_long,
    _: *mut libc::c_void,
) {
    if !value.is_null() {
        let context = FakeContext::at(value.cast());
        exports::set_remove_cb(context, None);
        assert_eq!(exports::ctrl(context, CTRL_SESS_NUMBER, 0), 0);
        context.set_ex_data(index, std::ptr::null_mut());
    }
}
