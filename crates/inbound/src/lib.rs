//! WhatsApp signatures, envelopes, events and their life
