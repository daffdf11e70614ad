//! RFC 9807's vectors for ristretto255 and SHA-512. Theirs do not stretch; ours does, and that half
//! is pinned by `vectors/v1/stretch`.

use std::collections::BTreeMap;

use opaque_ke::{
    CipherSuite, ClientLogin, ClientLoginFinishParameters, ClientRegistration,
    ClientRegistrationFinishParameters, CredentialFinalization, CredentialRequest,
    CredentialResponse, Identifiers, RegistrationRequest, RegistrationResponse, RegistrationUpload,
    Ristretto255, ServerLogin, ServerLoginParameters, ServerRegistration, ServerSetup, TripleDh,
    ksf::Identity,
};
use serde::Deserialize;

use crate::{Replay, bytes, published};

/// `WordsSuite` without its stretching.
struct Suite;

impl CipherSuite for Suite {
    type OprfCs = Ristretto255;
    type KeyExchange = TripleDh<Ristretto255, sha2_010::Sha512>;
    type Ksf = Identity;
}

#[derive(Deserialize)]
struct Case {
    config: BTreeMap<String, String>,
    inputs: BTreeMap<String, String>,
    outputs: BTreeMap<String, String>,
}

impl Case {
    fn input(&self, name: &str) -> Vec<u8> {
        bytes(&self.inputs[name])
    }

    fn output(&self, name: &str) -> Vec<u8> {
        bytes(&self.outputs[name])
    }

    fn identity(&self, name: &str) -> Option<Vec<u8>> {
        self.inputs.get(name).map(|hex| bytes(hex))
    }

    /// A scalar as the library would draw it: 64 bytes that are reduced.
    fn blind(&self, name: &str) -> Vec<u8> {
        let mut drawn = self.input(name);
        drawn.resize(64, 0);
        drawn
    }
}

#[test]
fn opaque_is_rfc_9807s() {
    let cases = published::<Vec<Case>>("opaque-ristretto255.json");
    assert_eq!(cases.len(), 2);
    for case in &cases {
        let setup = setup(case);
        let client = case.identity("client_identity");
        let server = case.identity("server_identity");
        let identifiers = Identifiers { client: client.as_deref(), server: server.as_deref() };
        let record = registration(case, &setup, identifiers);
        login(case, &setup, record, identifiers);
    }
}

/// OPRF seed, server key, and a key for records that are not there, which is not used.
fn setup(case: &Case) -> ServerSetup<Suite> {
    let key = case.input("server_private_key");
    let unused = case.input("server_public_key");
    ServerSetup::deserialize(&[case.input("oprf_seed"), key, unused].concat()).expect("a setup")
}

fn registration(
    case: &Case,
    setup: &ServerSetup<Suite>,
    identifiers: Identifiers<'_>,
) -> ServerRegistration<Suite> {
    let password = case.input("password");
    let mut drawn = Replay(case.blind("blind_registration"));
    let started = ClientRegistration::<Suite>::start(&mut drawn, &password).expect("started");
    let request = started.message.serialize();
    assert_eq!(request.as_slice(), case.output("registration_request"));
    let request = RegistrationRequest::deserialize(&request).expect("a request");
    let id = case.input("credential_identifier");
    let answer = ServerRegistration::<Suite>::start(setup, request, &id).expect("an answer");
    let response = answer.message.serialize();
    assert_eq!(response.as_slice(), case.output("registration_response"));
    let response = RegistrationResponse::deserialize(&response).expect("a response");
    let mut drawn = Replay(case.input("envelope_nonce"));
    let parameters = ClientRegistrationFinishParameters::new(identifiers, None);
    let finished =
        started.state.finish(&mut drawn, &password, response, parameters).expect("finished");
    assert_eq!(finished.export_key.as_slice(), case.output("export_key"));
    let upload = finished.message.serialize();
    assert_eq!(upload.as_slice(), case.output("registration_upload"));
    ServerRegistration::finish(RegistrationUpload::deserialize(&upload).expect("an upload"))
}

fn login(
    case: &Case,
    setup: &ServerSetup<Suite>,
    record: ServerRegistration<Suite>,
    identifiers: Identifiers<'_>,
) {
    let password = case.input("password");
    let context = bytes(&case.config["Context"]);
    let mut drawn = Replay(
        [case.blind("blind_login"), case.input("client_keyshare_seed"), case.input("client_nonce")]
            .concat(),
    );
    let started = ClientLogin::<Suite>::start(&mut drawn, &password).expect("started");
    let ke1 = started.message.serialize();
    assert_eq!(ke1.as_slice(), case.output("KE1"));
    // The library draws a record that is not there before it looks whether one is.
    let mut drawn = Replay(
        [
            vec![0; 64],
            case.input("masking_nonce"),
            case.input("server_keyshare_seed"),
            case.input("server_nonce"),
        ]
        .concat(),
    );
    let request = CredentialRequest::deserialize(&ke1).expect("KE1");
    let id = case.input("credential_identifier");
    let parameters = ServerLoginParameters { context: Some(&context), identifiers };
    let answer = ServerLogin::start(&mut drawn, setup, Some(record), request, &id, parameters)
        .expect("an answer");
    let ke2 = answer.message.serialize();
    assert_eq!(ke2.as_slice(), case.output("KE2"));
    let response = CredentialResponse::deserialize(&ke2).expect("KE2");
    let parameters = ClientLoginFinishParameters::new(Some(&context), identifiers, None);
    let finished = started
        .state
        .finish(&mut Replay(Vec::new()), &password, response, parameters)
        .expect("finished");
    assert_eq!(finished.export_key.as_slice(), case.output("export_key"));
    assert_eq!(finished.session_key.as_slice(), case.output("session_key"));
    let ke3 = finished.message.serialize();
    assert_eq!(ke3.as_slice(), case.output("KE3"));
    let finalization = CredentialFinalization::deserialize(&ke3).expect("KE3");
    let parameters = ServerLoginParameters { context: Some(&context), identifiers };
    let ended = answer.state.finish(finalization, parameters).expect("ended");
    assert_eq!(ended.session_key.as_slice(), case.output("session_key"));
}
