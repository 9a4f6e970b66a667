use std::io::Cursor;

use image::{DynamicImage, ImageFormat, RgbImage, RgbaImage};

use super::*;

fn encoded(picture: &DynamicImage, format: ImageFormat) -> Bytes {
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, format).unwrap();
    bytes.into_inner().into()
}

fn picture(width: u32, height: u32) -> DynamicImage {
    RgbImage::from_fn(width, height, |x, y| image::Rgb([x.to_le_bytes()[0], y.to_le_bytes()[0], 7])).into()
}

async fn made(bytes: Bytes) -> Result<Thumbnail, ThumbnailError> {
    Thumbnails::default().thumbnail(bytes).await
}

/// A PNG whose head says this size; its pixels are one compressed run of zeros.
fn bomb(width: u32, height: u32) -> Bytes {
    let mut bytes = encoded(&picture(1, 1), ImageFormat::Png).to_vec();
    bytes[16..20].copy_from_slice(&width.to_be_bytes());
    bytes[20..24].copy_from_slice(&height.to_be_bytes());
    let sum = crc32(&bytes[12..29]);
    bytes[29..33].copy_from_slice(&sum.to_be_bytes());
    bytes.into()
}

/// Of a chunk's name and content, bit by bit.
fn crc32(bytes: &[u8]) -> u32 {
    let next = |sum: u32| if sum & 1 == 1 { (sum >> 1) ^ 0xEDB8_8320 } else { sum >> 1 };
    !bytes.iter().fold(u32::MAX, |sum, byte| (0..8).fold(sum ^ u32::from(*byte), |sum, _| next(sum)))
}

#[tokio::test]
async fn each_format_becomes_a_small_picture() {
    for format in [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP] {
        let thumbnail = made(encoded(&picture(1_000, 500), format)).await.unwrap();
        assert_eq!(thumbnail.mime_type, "image/jpeg", "{format:?}");
        let small = image::load_from_memory(&thumbnail.bytes).unwrap();
        assert_eq!((small.width(), small.height()), (320, 160), "{format:?}");
    }
}

#[tokio::test]
async fn small_picture_keeps_its_size() {
    let thumbnail = made(encoded(&picture(20, 10), ImageFormat::Png)).await.unwrap();
    let small = image::load_from_memory(&thumbnail.bytes).unwrap();
    assert_eq!((small.width(), small.height()), (20, 10));
}

#[tokio::test]
async fn transparent_picture_stays_transparent() {
    let sticker: DynamicImage = RgbaImage::from_pixel(512, 512, image::Rgba([1, 2, 3, 0])).into();
    let thumbnail = made(encoded(&sticker, ImageFormat::WebP)).await.unwrap();
    assert_eq!(thumbnail.mime_type, "image/png");
    assert_eq!(image::load_from_memory(&thumbnail.bytes).unwrap().to_rgba8().get_pixel(0, 0).0[3], 0);
}

#[tokio::test]
async fn picture_with_too_many_pixels_is_not_decoded() {
    for (width, height) in [(50_000, 50_000), (6_000, 6_000), (16_385, 1), (u32::MAX >> 1, 1)] {
        assert_eq!(made(bomb(width, height)).await, Err(ThumbnailError::TooLarge), "{width} x {height}");
    }
}

#[tokio::test]
async fn what_is_no_picture_is_refused() {
    let mut broken = encoded(&picture(300, 300), ImageFormat::Jpeg).to_vec();
    broken.truncate(100);
    let svg = b"<svg xmlns=\"http://www.w3.org/2000/svg\"><script>alert(1)</script></svg>";
    for bytes in
        [Bytes::from_static(b""), Bytes::from_static(svg), Bytes::from_static(b"GIF89a\x01\0\x01\0"), broken.into()]
    {
        assert_eq!(made(bytes).await, Err(ThumbnailError::NoPicture));
    }
}
