//! Pictures to be scanned (ISO/IEC 18004).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use qrcode::render::svg;
use qrcode::{Color, QrCode};

use crate::error::Error;

/// Empty modules around the code; a scanner needs them.
const QUIET: usize = 4;
/// Pixels of one module.
const SCALE: usize = 6;

/// The picture of a text.
pub struct Picture(QrCode);

impl Picture {
    /// Of this text.
    pub fn of(text: &str) -> Result<Self, Error> {
        QrCode::new(text).map(Self).map_err(|error| Error::internal(error.to_string()))
    }

    /// As SVG, to stand in a page. Black on white whatever the page looks like: not every scanner reads the reverse.
    pub fn svg(&self) -> String {
        let picture = self.0.render::<svg::Color<'_>>().min_dimensions(200, 200).build();
        // What stands before the element has no place inside a page.
        picture.find("<svg").map_or_else(String::new, |start| picture[start..].to_owned())
    }

    /// As PNG in a `data:` URL (RFC 2397), for clients that show it as they get it.
    pub fn png_url(&self) -> Result<String, Error> {
        Ok(format!("data:image/png;base64,{}", STANDARD.encode(self.png()?)))
    }

    fn png(&self) -> Result<Vec<u8>, Error> {
        let modules = self.0.width() + 2 * QUIET;
        let side = modules * SCALE;
        let size = u32::try_from(side).map_err(Error::internal)?;
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, size, size);
        encoder.set_color(png::ColorType::Grayscale);
        encoder.set_depth(png::BitDepth::Eight);
        let mut writer = encoder.write_header().map_err(Error::internal)?;
        writer.write_image_data(&self.pixels(side)).map_err(Error::internal)?;
        writer.finish().map_err(Error::internal)?;
        Ok(bytes)
    }

    fn pixels(&self, side: usize) -> Vec<u8> {
        let inside = QUIET..QUIET + self.0.width();
        let is_dark = |x: usize, y: usize| {
            let (x, y) = (x / SCALE, y / SCALE);
            inside.contains(&x) && inside.contains(&y) && self.0[(x - QUIET, y - QUIET)] == Color::Dark
        };
        (0..side * side).map(|at| if is_dark(at % side, at / side) { 0 } else { 255 }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_picture_is_a_png_with_a_quiet_edge() {
        let picture = Picture::of("otpauth://totp/a").expect("fits");
        let url = picture.png_url().expect("drawn");
        let png = STANDARD.decode(url.strip_prefix("data:image/png;base64,").expect("a PNG")).expect("base64");
        assert!(png.starts_with(b"\x89PNG"));
        let side = (picture.0.width() + 2 * QUIET) * SCALE;
        let pixels = picture.pixels(side);
        assert!(pixels[..side * SCALE * QUIET].iter().all(|pixel| *pixel == 255));
        assert_eq!(pixels[side * SCALE * QUIET + SCALE * QUIET], 0, "the corner of the first finder pattern");
    }

    #[test]
    fn the_svg_begins_with_its_element() {
        assert!(Picture::of("x").expect("fits").svg().starts_with("<svg"));
    }
}
