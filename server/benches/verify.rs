//! What one verification costs inside the core: by API key and by access token, remembered and read anew; and what one
//! password check costs, which is what sign-ins are bounded by.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use latchkey::clock::Clock;
use latchkey::crypto::hasher::Hasher;
use latchkey::flow::api_keys::NewKey;
use latchkey::flow::authenticate::{CredentialHeaders, Presented};
use latchkey::flow::sign_in::{Opening, SecretText};
use latchkey::flow::sign_up::{SignUp, SignedUp};
use latchkey::secret::Password;
use latchkey::settings::{Hashing, Settings, Storage};
use latchkey::{Actor, Latchkey, Visitor};
use tokio::runtime::Runtime;

fn visitor() -> Visitor {
    Visitor { address: [127, 0, 0, 1].into(), user_agent: "bench".to_owned(), request_id: "bench".to_owned() }
}

async fn core(folder: &std::path::Path) -> Latchkey {
    let storage = Storage {
        url: format!("sqlite:{}/latchkey.db", folder.display()),
        master_key_file: folder.join("master.key"),
        ..Storage::default()
    };
    let settings = Settings { storage, ..Settings::default() };
    Latchkey::open(settings, Clock::System).await.expect("opens")
}

/// An access token and an API key of somebody new.
async fn credentials(latchkey: &Latchkey) -> (String, String) {
    let input = SignUp {
        email: Some("bench@example.org".to_owned()),
        password: Some(SecretText("plum river candle".to_owned())),
        name: Some("Bench".to_owned()),
        ..SignUp::default()
    };
    let signed_up = latchkey.sign_up(&visitor(), input, Opening::api()).await.expect("signs up");
    let SignedUp::Open(signed_in) = signed_up else { panic!("nobody asks for a confirmed address here") };
    let token = signed_in.view.tokens.expect("tokens").access_token;
    let authorization = format!("Bearer {token}");
    let headers = CredentialHeaders { authorization: Some(&authorization), ..CredentialHeaders::default() };
    let presented = Presented::read(headers).expect("reads");
    let (principal, _) = latchkey.authenticate(&visitor(), &presented).await.expect("good");
    let input = NewKey { name: Some("Bench".to_owned()), rate_limit: Some(1_000_000_000), ..NewKey::default() };
    let key = latchkey.create_api_key(&Actor::new(visitor(), principal), input).await.expect("made").key;
    (token, key)
}

fn verify(criterion: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime");
    let folder = std::env::temp_dir().join(format!("latchkey-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let latchkey = runtime.block_on(core(&folder));
    let (token, key) = runtime.block_on(credentials(&latchkey));
    let visitor = visitor();
    for (name, credential) in [("verify by API key", key), ("verify by access token", token)] {
        let authorization = format!("Bearer {credential}");
        criterion.bench_function(name, |bench| {
            bench.to_async(&runtime).iter(|| async {
                let headers = CredentialHeaders { authorization: Some(&authorization), ..CredentialHeaders::default() };
                let presented = Presented::read(headers).expect("reads");
                let (principal, _) = latchkey.authenticate(&visitor, &presented).await.expect("good");
                black_box(latchkey.verify(&principal, Some("read")).expect("held"))
            });
        });
    }
    runtime.block_on(latchkey.close()).expect("closes");
    let _ = std::fs::remove_dir_all(&folder);
}

fn password(criterion: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime");
    let hasher = Hasher::start(&Hashing { threads: 1, ..Hashing::default() }).expect("starts");
    let hash = runtime.block_on(hasher.hash(Password::typed("plum river candle"))).expect("hashed");
    let mut group = criterion.benchmark_group("passwords");
    group.sample_size(20);
    group.bench_function("one check, one thread", |bench| {
        bench.to_async(&runtime).iter(|| async {
            hasher.check(Password::typed("plum river candle"), Some(hash.clone())).await.expect("checked")
        });
    });
    group.finish();
}

criterion_group!(benches, verify, password);
criterion_main!(benches);
