package main

import (
	"time"

	p "github.com/pulumi/pulumi-go-provider"
)

// Validity is the part of a certificate's state that time decides on.
type Validity struct {
	CertPem           string `pulumi:"certPem"`
	ReadyForRenewal   bool   `pulumi:"readyForRenewal"`
	ValidityStartTime string `pulumi:"validityStartTime"`
	ValidityEndTime   string `pulumi:"validityEndTime"`
}

// due says whether the time of early renewal (hours before the end) has come.
func (validity Validity) due(earlyHours int) bool {
	end, err := time.Parse(time.RFC3339, validity.ValidityEndTime)
	early := time.Duration(earlyHours) * time.Hour
	return err == nil && !time.Now().Before(end.Add(-early))
}

// certificateChanges is replacements, and one more when the certificate is due for renewal: the first preview or up
// after that time replaces it.
func certificateChanges(before, after any, validity Validity, earlyHours int) p.DiffResponse {
	response := replacements(before, after)
	if validity.due(earlyHours) {
		response.DetailedDiff["readyForRenewal"] = p.PropertyDiff{Kind: p.UpdateReplace}
		response.HasChanges = true
	}
	return response
}
