package description

// Parse reads a description. The bytes are copied. Errors are of type *Error and wrap ErrMalformed.
func Parse(b []byte) (*Description, error) {
	return nil, refuse(ErrMalformed, "%d bytes", len(b))
}
