//! The challenge of a registration, and the verification of what the key made.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use url::Url;
use wardkey_core::code::Code;
use wardkey_core::codec::{Bytes, sha256};
use wardkey_core::cose_key::{Algorithm, PublicKey};
use wardkey_core::decide::CHALLENGE_SECONDS;
use wardkey_core::id::{CredentialId, TerminalId, UserHandle};
use wardkey_core::message::http::{
    Base64, CreationOptions, CredentialParameter, Descriptor, EnrollFinishRequest, RpEntity,
    UserEntity,
};
use wardkey_core::name::{DisplayText, LoginName, RpId};
use wardkey_core::person::{
    CredentialFlags, CredentialRecord, MAX_CREDENTIALS, NEVER_SILENT, Status,
};
use wardkey_core::policy::pin::PinRules;
use wardkey_core::time::UnixTime;
use webauthn_rs_core::WebauthnCore;
use webauthn_rs_core::error::WebauthnError;
use webauthn_rs_core::proto::{
    AttestationConveyancePreference, AuthenticatorAttestationResponseRaw, COSEAlgorithm,
    CredProtect, CredentialProtectionPolicy, RegisterPublicKeyCredential,
    RegistrationExtensionsClientOutputs, RegistrationState, RequestRegistrationExtensions,
    UserVerificationPolicy,
};

use super::auth_data::Attestation;
use super::eddsa::Expected;
use super::{attested, eddsa};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::lock::lock;
use crate::secret;
use crate::store::code::OpenCode;
use crate::store::credential::Registration;
use crate::texts::Text;

/// Registrations under way at once; each ends by itself after a minute.
const MAX_SESSIONS: usize = 10_000;

/// What every registration of this deployment shares, and those under way.
pub struct Enrollments {
    core: WebauthnCore,
    rp_id: RpId,
    rp_name: String,
    origin: String,
    roots: Vec<CertificateDer<'static>>,
    attestation_required: bool,
    cred_protect: u8,
    sessions: Mutex<HashMap<String, Session>>,
}

/// One registration under way.
pub struct Session {
    state: RegistrationState,
    challenge: Vec<u8>,
    exclude: Vec<CredentialId>,
    begun: UnixTime,
    /// What the terminal was told of the PIN.
    pub pin: PinRules,
    /// The terminal at which it began.
    pub terminal: TerminalId,
    /// The code that allowed it.
    pub code: OpenCode,
}

/// Whom a key is made for.
#[derive(Debug)]
pub struct Subject<'a> {
    /// Login name.
    pub login: &'a LoginName,
    /// The person's name.
    pub display_name: &'a DisplayText,
    /// User handle.
    pub user_handle: &'a UserHandle,
    /// Credentials that the key must not have: the person's, then those of the pool.
    pub exclude: Vec<CredentialId>,
    /// What the scopes of the person want of the PIN.
    pub pin: PinRules,
}

impl Enrollments {
    /// For a deployment.
    ///
    /// # Errors
    /// [`Error::Configuration`] when an attestation root is no certificate.
    pub fn new(config: &Config, rp_id: &RpId, rp_name: &str) -> Result<Self> {
        let origin = config.origin.clone().unwrap_or_else(|| format!("https://{rp_id}"));
        let url = Url::parse(&origin).map_err(|error| {
            let message = error.to_string().into();
            Error::Configuration { path: "origin".into(), message }.caused_by(error)
        })?;
        let pem = config.read_attestation_roots()?;
        let roots: Vec<CertificateDer<'static>> =
            CertificateDer::pem_slice_iter(&pem).collect::<Result<_, _>>().map_err(|error| {
                let path = config.attestation_roots.first().cloned().unwrap_or_default();
                let message = Text::NotPem.with([("why", error.to_string().into())]);
                Error::Configuration { path, message }.caused_by(error)
            })?;
        if roots.is_empty() && !config.attestation_roots.is_empty() {
            return Err(Error::Configuration {
                path: config.attestation_roots.first().cloned().unwrap_or_default(),
                message: Text::NoCertificate.into(),
            });
        }
        let time = Duration::from_secs(CHALLENGE_SECONDS);
        Ok(Self {
            core: WebauthnCore::new_unsafe_experts_only(
                rp_name,
                rp_id.as_str(),
                vec![url],
                time,
                Some(false),
                Some(false),
            ),
            rp_id: rp_id.clone(),
            rp_name: rp_name.to_owned(),
            origin,
            roots,
            attestation_required: config.attestation_required,
            cred_protect: config.cred_protect,
            sessions: Mutex::default(),
        })
    }

    /// The origin that client data must name.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// credProtect level that is asked for.
    pub const fn cred_protect(&self) -> u8 {
        self.cred_protect
    }

    /// Makes a challenge. Returns the session's name and what the key is asked for.
    ///
    /// # Errors
    /// [`Code::TooManyRequests`] while too many registrations are under way.
    pub fn begin(
        &self,
        subject: &Subject<'_>,
        (code, terminal): (OpenCode, TerminalId),
        now: UnixTime,
    ) -> Result<(String, CreationOptions)> {
        let protect = CredProtect {
            credential_protection_policy: match self.cred_protect {
                1 => CredentialProtectionPolicy::UserVerificationOptional,
                // Never more: see NEVER_SILENT.
                _ => CredentialProtectionPolicy::UserVerificationOptionalWithCredentialIDList,
            },
            enforce_credential_protection_policy: Some(false),
        };
        let extensions = RequestRegistrationExtensions {
            cred_protect: Some(protect),
            uvm: None,
            cred_props: None,
            // Asked for always: a key that may say it says how long its PINs are.
            min_pin_length: Some(true),
            hmac_create_secret: None,
        };
        let exclude = subject.exclude.iter().map(|id| id.as_slice().to_vec()).collect();
        let builder = self
            .core
            .new_challenge_register_builder(
                subject.user_handle.as_bytes(),
                subject.login.as_str(),
                subject.display_name.as_str(),
            )
            .map_err(failed)?
            .attestation(AttestationConveyancePreference::Direct)
            .user_verification_policy(UserVerificationPolicy::Required)
            .require_resident_key(true)
            .credential_algorithms(vec![COSEAlgorithm::ES256, COSEAlgorithm::EDDSA])
            .exclude_credentials(Some(exclude))
            .extensions(Some(extensions));
        let (challenge, state) = self.core.generate_challenge_register(builder).map_err(failed)?;
        let name = Base64(secret::random::<32>()?.to_vec());
        let name =
            serde_json::to_value(&name).ok().and_then(|value| value.as_str().map(str::to_owned));
        let name = name.ok_or("could not be named").map_err(Error::crypto("session"))?;
        let mut sessions = lock(&self.sessions);
        sessions.retain(|_, session| now.since(session.begun) <= CHALLENGE_SECONDS);
        if sessions.len() >= MAX_SESSIONS {
            return Err(Error::refused(
                Code::TooManyRequests,
                "too many registrations are under way",
            ));
        }
        let asked = challenge.public_key.challenge;
        let session = Session {
            state,
            challenge: asked.clone(),
            exclude: subject.exclude.clone(),
            begun: now,
            pin: subject.pin,
            terminal,
            code,
        };
        sessions.insert(name.clone(), session);
        drop(sessions);
        let key_type = || "public-key".to_owned();
        Ok((
            name,
            CreationOptions {
                rp: RpEntity { id: self.rp_id.to_string(), name: self.rp_name.clone() },
                user: UserEntity {
                    id: Base64(subject.user_handle.as_bytes().to_vec()),
                    name: subject.login.to_string(),
                    display_name: subject.display_name.to_string(),
                },
                challenge: Base64(asked),
                pub_key_cred_params: [-7, -8]
                    .map(|alg| CredentialParameter { alg, kind: key_type() })
                    .into(),
                timeout: Some(CHALLENGE_SECONDS as u32 * 1000),
                // Agents from before take no more.
                exclude_credentials: Some(
                    subject
                        .exclude
                        .iter()
                        .take(MAX_CREDENTIALS)
                        .map(|id| Descriptor {
                            id: Base64(id.as_slice().to_vec()),
                            kind: key_type(),
                        })
                        .collect(),
                ),
            },
        ))
    }

    /// Takes a session: whatever comes of it, it can be taken once only.
    ///
    /// # Errors
    /// [`Code::ChallengeExpired`] when there is none, or it is older than 60 seconds.
    pub fn take(&self, name: &str, now: UnixTime) -> Result<Session> {
        let session = lock(&self.sessions).remove(name);
        session
            .filter(|session| now.since(session.begun) <= CHALLENGE_SECONDS && now >= session.begun)
            .ok_or_else(|| {
                Error::refused(
                    Code::ChallengeExpired,
                    "the challenge is over 60 seconds old or was used",
                )
            })
    }

    /// Verifies what the key made.
    ///
    /// # Errors
    /// [`Code::RegistrationRefused`] with the check that failed; [`Code::ChallengeExpired`] for
    /// another challenge; [`Code::KeyCannotIdentify`] for a key that shows itself to nobody without
    /// its PIN; [`Code::PinLengthRefused`] for one that says that it takes shorter PINs than are
    /// wanted.
    pub fn verify(
        &self,
        session: &Session,
        request: &EnrollFinishRequest,
        now: UnixTime,
    ) -> Result<Registration> {
        let label = DisplayText::new(request.label.as_str())
            .map_err(|error| Error::invalid(format!("label: {error}")).caused_by(error))?;
        let attestation = Attestation::parse(&request.attestation_object.0)?;
        attestation.check(&self.rp_id)?;
        if request.credential_id.0 != attestation.credential_id.as_slice() {
            return Err(refusal("the credential id is not the signed one"));
        }
        let key = PublicKey::from_cose(&attestation.public_key).map_err(because)?;
        match key.algorithm() {
            Algorithm::Es256 => self.verify_by_library(session, request, &attestation)?,
            Algorithm::EdDsa => {
                let expected = Expected {
                    challenge: &session.challenge,
                    origin: &self.origin,
                    exclude: &session.exclude,
                };
                eddsa::verify(&attestation, &request.client_data.0, &expected)?;
            }
        }
        // Signed by the key, whatever it was asked for: it would be registered, and never found
        // again.
        if attestation.cred_protect >= NEVER_SILENT {
            return Err(Error::refused(
                Code::KeyCannotIdentify,
                "the key set credProtect level 3 by itself: it cannot be identified before its PIN \
                    is typed",
            ));
        }
        // A key that does not say it is taken: it may keep to it, and may not be able to say so.
        if let (Some(wanted), Some(has)) = (session.pin.min_length, attestation.min_pin_length)
            && has < wanted
        {
            return Err(Error::refused(
                Code::PinLengthRefused,
                format!("the key takes PINs of {has} characters, and {wanted} are wanted"),
            ));
        }
        let attested = match attested::by_root(&self.roots, &attestation) {
            Ok(()) => true,
            Err(why) if self.attestation_required => return Err(refusal(why)),
            Err(_) => false,
        };
        let mut flags = CredentialFlags::DISCOVERABLE;
        if attestation.backup_eligible() {
            flags |= CredentialFlags::BACKUP_ELIGIBLE;
        }
        if attested {
            flags |= CredentialFlags::ATTESTED;
        }
        Ok(Registration {
            record: CredentialRecord {
                id: attestation.credential_id.clone(),
                public_key: Bytes::new(attestation.public_key.clone()).map_err(because)?,
                rp_id: self.rp_id.clone(),
                aaguid: attestation.aaguid,
                // Discoverable was required of the key, which fails if it cannot; it is not signed.
                flags: CredentialFlags(flags),
                cred_protect: attestation.cred_protect,
                status: Status::Active,
                label,
                enrolled: now,
            },
            counter: attestation.counter,
            min_pin_length: attestation.min_pin_length,
            attestation_format: Some(attestation.format.clone()),
            attestation: Some(request.attestation_object.0.clone()),
        })
    }

    /// The verification of the standard.
    fn verify_by_library(
        &self,
        session: &Session,
        request: &EnrollFinishRequest,
        attestation: &Attestation,
    ) -> Result<()> {
        let response = RegisterPublicKeyCredential {
            id: String::new(),
            raw_id: request.credential_id.0.clone(),
            response: AuthenticatorAttestationResponseRaw {
                attestation_object: request.attestation_object.0.clone(),
                client_data_json: request.client_data.0.clone(),
                transports: None,
            },
            type_: "public-key".into(),
            extensions: RegistrationExtensionsClientOutputs::default(),
        };
        let credential =
            self.core.register_credential(&response, &session.state, None).map_err(refused)?;
        if credential.cred_id.as_slice() != attestation.credential_id.as_slice() {
            return Err(refusal("the credential id is not the signed one"));
        }
        Ok(())
    }
}

impl std::fmt::Debug for Enrollments {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Enrollments({})", self.origin)
    }
}

/// Fingerprint of a credential, for the answer.
pub fn fingerprint(record: &CredentialRecord) -> Base64 {
    Base64(sha256(record.id.as_slice()).as_bytes().to_vec())
}

fn refusal(why: &str) -> Error {
    Error::refused(Code::RegistrationRefused, why)
}

fn refused(error: WebauthnError) -> Error {
    match error {
        WebauthnError::MismatchedChallenge => Error::refused(
            Code::ChallengeExpired,
            "the challenge is not the one of this registration",
        ),
        error => refusal(&format!("{error:?}")).caused_by(error),
    }
}

fn because(cause: impl std::error::Error + Send + Sync + 'static) -> Error {
    refusal(&cause.to_string()).caused_by(cause)
}

fn failed(error: WebauthnError) -> Error {
    Error::crypto("registration")(error)
}
