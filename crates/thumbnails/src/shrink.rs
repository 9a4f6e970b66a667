use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, ImageDecoder as _, ImageError, ImageFormat, ImageReader, Limits};
use media::{Thumbnail, ThumbnailError};

/// Pixels of the longer side.
const SIDE: u32 = 320;
const MAX_SIDE: u32 = 16_384;
const MAX_PIXELS: u64 = 25_000_000;
const MAX_MEMORY: u64 = 128 * 1_024 * 1_024;
const JPEG_QUALITY: u8 = 80;
/// A larger one is not worth its name; it is not kept.
const MAX_BYTES: usize = 512 * 1_024;

/// Decodes, shrinks and encodes.
pub(crate) fn shrink(picture: &[u8]) -> Result<Thumbnail, ThumbnailError> {
    let format = image::guess_format(picture).map_err(|_| ThumbnailError::NoPicture)?;
    if !matches!(format, ImageFormat::Jpeg | ImageFormat::Png | ImageFormat::WebP) {
        return Err(ThumbnailError::NoPicture);
    }
    let mut reader = ImageReader::with_format(Cursor::new(picture), format);
    let mut limits = Limits::default();
    (limits.max_image_width, limits.max_image_height) = (Some(MAX_SIDE), Some(MAX_SIDE));
    limits.max_alloc = Some(MAX_MEMORY);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(|error| refused(&error))?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > MAX_PIXELS || decoder.total_bytes() > MAX_MEMORY {
        return Err(ThumbnailError::TooLarge);
    }
    // Phones turn pictures by a note in their metadata, which the thumbnail does not have.
    let orientation = decoder.orientation().map_err(|error| refused(&error))?;
    let whole = DynamicImage::from_decoder(decoder).map_err(|error| refused(&error))?;
    let mut small = if width.max(height) > SIDE { whole.thumbnail(SIDE, SIDE) } else { whole };
    small.apply_orientation(orientation);
    encode(&small)
}

fn encode(small: &DynamicImage) -> Result<Thumbnail, ThumbnailError> {
    let mut bytes = Cursor::new(Vec::new());
    let (encoded, mime_type) = if small.color().has_alpha() {
        (small.to_rgba8().write_to(&mut bytes, ImageFormat::Png), "image/png")
    } else {
        let encoder = JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY);
        (small.to_rgb8().write_with_encoder(encoder), "image/jpeg")
    };
    encoded.map_err(|error| refused(&error))?;
    let bytes = bytes.into_inner();
    if bytes.len() > MAX_BYTES {
        return Err(ThumbnailError::TooLarge);
    }
    Ok(Thumbnail { bytes: bytes.into(), mime_type })
}

fn refused(error: &ImageError) -> ThumbnailError {
    match error {
        ImageError::Limits(_) => ThumbnailError::TooLarge,
        _ => ThumbnailError::NoPicture,
    }
}
