/**
 * The modules, macros and functional groups of PS3.3 2025e, transcribed by machine from its tables, with the
 * conditions of Type 1C and 2C attributes named as in `conditions.ts`. Hold it beside the standard to review it.
 *
 * One line an attribute: nesting, tag, type, [condition], [=1], [overrides], keyword.
 * - `>` for each sequence it is in; `>@name` includes a macro there.
 * - `?` is a condition that the data set cannot tell; `!` after a condition: shall not be present otherwise.
 * - `=1`: at most one item.
 * - `overrides`: what other modules of the IOD say of the attribute does not count.
 * Type 3 attributes inside of sequences are left out: nothing is asked of them.
 */

/** Macros by name, as lines relative to where they are included. */
export const macroLines: Readonly<Record<string, string>> = {
  code: `
00080100 1C has-no-code-value CodeValue
00080102 1C has-code-value CodingSchemeDesignator
00080104 1 CodeMeaning
00080119 1C ? LongCodeValue
00080120 1C ? URNCodeValue
`,
  'content-item': `
0040A040 1 ValueType
0040A043 1 =1 ConceptNameCodeSequence
>@code
0040A120 1C has-value-type-datetime! DateTime
0040A121 1C has-value-type-date! Date
0040A122 1C has-value-type-time! Time
0040A123 1C has-value-type-pname! PersonName
0040A124 1C has-value-type-uidref! UID
0040A160 1C has-value-type-text! TextValue
0040A168 1C has-value-type-code! =1 ConceptCodeSequence
>@code
0040A30A 1C has-value-type-numeric! NumericValue
0040A161 1C ? FloatingPointValue
0040A162 1C ? RationalNumeratorValue
0040A163 1C has-rational-numerator! RationalDenominatorValue
004008EA 1C has-value-type-numeric! =1 MeasurementUnitsCodeSequence
>@code
00081199 1C has-value-type-reference! =1 ReferencedSOPSequence
>00081150 1 ReferencedSOPClassUID
>00081155 1 ReferencedSOPInstanceUID
>00081160 1C ? ReferencedFrameNumber
>0062000B 1C ? ReferencedSegmentNumber
>0040A0B0 1C ? ReferencedWaveformChannels
`,
  entity: `
00400031 1C has-no-universal-entity-id LocalNamespaceEntityID
00400032 1C has-no-local-namespace-entity-id UniversalEntityID
00400033 1C has-universal-entity-id! UniversalEntityIDType
`,
  'image-reference': `
00081150 1 ReferencedSOPClassUID
00081155 1 ReferencedSOPInstanceUID
00081160 1C ? ReferencedFrameNumber
0062000B 1C ? ReferencedSegmentNumber
`,
  person: `
00401101 1 PersonIdentificationCodeSequence
>@code
00080080 1C has-no-institution-code InstitutionName
00080082 1C has-no-institution-name =1 InstitutionCodeSequence
>@code
00081041 3 =1 InstitutionalDepartmentTypeCodeSequence
>@code
`,
};

/** Modules by the section of PS3.3 that defines them: their name, then their attributes. */
export const moduleLines: Readonly<Record<string, readonly [name: string, lines: string]>> = {
  'C.7.1.1': ['Patient', `
00100010 2 PatientName
00100020 2 PatientID
00100021 3 IssuerOfPatientID
00100024 3 =1 IssuerOfPatientIDQualifiersSequence
>00400033 1C has-universal-entity-id! UniversalEntityIDType
>00400036 3 =1 AssigningFacilitySequence
>>@entity
>00400039 3 =1 AssigningJurisdictionCodeSequence
>>@code
>0040003A 3 =1 AssigningAgencyOrDepartmentCodeSequence
>>@code
00100022 3 TypeOfPatientID
00100030 2 PatientBirthDate
00100033 3 PatientBirthDateInAlternativeCalendar
00100034 3 PatientDeathDateInAlternativeCalendar
00100035 1C has-date-in-alternative-calendar! PatientAlternativeCalendar
00100040 2 PatientSex
00101100 3 =1 ReferencedPatientPhotoSequence
>0040E020 1 TypeOfInstances
>0020000D 1C ? StudyInstanceUID
>0020000E 1C ? SeriesInstanceUID
>00081199 1 ReferencedSOPSequence
>>00081150 1 ReferencedSOPClassUID
>>00081155 1 ReferencedSOPInstanceUID
>>0040E001 1C ? HL7InstanceIdentifier
>>00081160 1C ? ReferencedFrameNumber
>>0062000B 1C ? ReferencedSegmentNumber
>0040E021 1C has-no-retrieval-sequence DICOMRetrievalSequence
>>00080054 1 RetrieveAETitle
>0040E022 1C has-no-retrieval-sequence DICOMMediaRetrievalSequence
>>00880130 2 StorageMediaFileSetID
>>00880140 1 StorageMediaFileSetUID
>0040E023 1C has-no-retrieval-sequence WADORetrievalSequence
>>0040E010 1 RetrieveURI
>0040E024 1C has-no-retrieval-sequence XDSRetrievalSequence
>>0040E030 1 RepositoryUniqueID
>0040E025 1C has-no-retrieval-sequence WADORSRetrievalSequence
>>00081190 1 RetrieveURL
00100200 3 QualityControlSubject
00081120 3 =1 ReferencedPatientSequence
>00081150 1 ReferencedSOPClassUID
>00081155 1 ReferencedSOPInstanceUID
00100032 3 PatientBirthTime
00101002 3 OtherPatientIDsSequence
>00100020 1 PatientID
>00100024 3 =1 IssuerOfPatientIDQualifiersSequence
>>00400033 1C has-universal-entity-id! UniversalEntityIDType
>>00400036 3 =1 AssigningFacilitySequence
>>>@entity
>>00400039 3 =1 AssigningJurisdictionCodeSequence
>>>@code
>>0040003A 3 =1 AssigningAgencyOrDepartmentCodeSequence
>>>@code
>00100022 1 TypeOfPatientID
00101001 3 OtherPatientNames
00102161 3 EthnicGroupCodeSequence
>@code
00102162 3 EthnicGroups
00104000 3 PatientComments
00102201 1C ? PatientSpeciesDescription
00102202 1C ? =1 PatientSpeciesCodeSequence
>@code
00102292 2C is-animal-without-breed-code PatientBreedDescription
00102293 2C is-animal! PatientBreedCodeSequence
>@code
00102294 2C is-animal! BreedRegistrationSequence
>00102295 1 BreedRegistrationNumber
>00102296 1 =1 BreedRegistryCodeSequence
>>@code
00100212 3 StrainDescription
00100213 3 StrainNomenclature
00100219 3 StrainCodeSequence
>@code
00100218 3 StrainAdditionalInformation
00100216 3 =1 StrainStockSequence
>00100214 1 StrainStockNumber
>00100217 1 StrainSource
>00100215 1 =1 StrainSourceRegistryCodeSequence
>>@code
00100221 3 GeneticModificationsSequence
>00100222 1 GeneticModificationsDescription
>00100223 1 GeneticModificationsNomenclature
>00100229 3 GeneticModificationsCodeSequence
>>@code
00102297 2C is-animal ResponsiblePerson
00102298 1C has-responsible-person! ResponsiblePersonRole
00102299 2C is-animal ResponsibleOrganization
00120062 3 PatientIdentityRemoved
00120063 1C is-deidentified-without-method-code DeidentificationMethod
00120064 1C is-deidentified-without-method DeidentificationMethodCodeSequence
>@code
00100026 3 =1 SourcePatientGroupIdentificationSequence
>00100020 1 PatientID
>00100024 3 =1 IssuerOfPatientIDQualifiersSequence
>>00400033 1C has-universal-entity-id! UniversalEntityIDType
>>00400036 3 =1 AssigningFacilitySequence
>>>@entity
>>00400039 3 =1 AssigningJurisdictionCodeSequence
>>>@code
>>0040003A 3 =1 AssigningAgencyOrDepartmentCodeSequence
>>>@code
00100027 3 GroupOfPatientsIdentificationSequence
>00100020 1 PatientID
>00100024 3 =1 IssuerOfPatientIDQualifiersSequence
>>00400033 1C has-universal-entity-id! UniversalEntityIDType
>>00400036 3 =1 AssigningFacilitySequence
>>>@entity
>>00400039 3 =1 AssigningJurisdictionCodeSequence
>>>@code
>>0040003A 3 =1 AssigningAgencyOrDepartmentCodeSequence
>>>@code
`],
  'C.7.1.3': ['Clinical Trial Subject', `
00120010 1 ClinicalTrialSponsorName
00120020 1 ClinicalTrialProtocolID
00120022 3 IssuerOfClinicalTrialProtocolID
00120023 3 OtherClinicalTrialProtocolIDsSequence
>00120020 1 ClinicalTrialProtocolID
>00120022 1 IssuerOfClinicalTrialProtocolID
00120021 2 ClinicalTrialProtocolName
00120030 2 ClinicalTrialSiteID
00120032 3 IssuerOfClinicalTrialSiteID
00120031 2 ClinicalTrialSiteName
00120040 1C has-no-trial-subject-reading-id ClinicalTrialSubjectID
00120041 3 IssuerOfClinicalTrialSubjectID
00120042 1C has-no-trial-subject-id ClinicalTrialSubjectReadingID
00120043 3 IssuerOfClinicalTrialSubjectReadingID
00120081 1C has-ethics-approval-number! ClinicalTrialProtocolEthicsCommitteeName
00120082 3 ClinicalTrialProtocolEthicsCommitteeApprovalNumber
`],
  'C.7.2.1': ['General Study', `
0020000D 1 StudyInstanceUID
00080020 2 StudyDate
00080030 2 StudyTime
00080090 2 ReferringPhysicianName
00080096 3 =1 ReferringPhysicianIdentificationSequence
>@person
0008009C 3 ConsultingPhysicianName
0008009D 3 ConsultingPhysicianIdentificationSequence
>@person
00200010 2 StudyID
00080050 2 AccessionNumber
00080051 3 =1 IssuerOfAccessionNumberSequence
>@entity
00081030 3 StudyDescription
00081048 3 PhysiciansOfRecord
00081049 3 PhysiciansOfRecordIdentificationSequence
>@person
00081060 3 NameOfPhysiciansReadingStudy
00081062 3 PhysiciansReadingStudyIdentificationSequence
>@person
00321033 3 RequestingService
00321034 3 =1 RequestingServiceCodeSequence
>@code
00081110 3 ReferencedStudySequence
>00081150 1 ReferencedSOPClassUID
>00081155 1 ReferencedSOPInstanceUID
00081032 3 ProcedureCodeSequence
>@code
00401012 3 ReasonForPerformedProcedureCodeSequence
>@code
`],
  'C.7.2.2': ['Patient Study', `
00081080 3 AdmittingDiagnosesDescription
00081084 3 AdmittingDiagnosesCodeSequence
>@code
00081301 3 =1 PrincipalDiagnosisCodeSequence
>@code
00081302 3 =1 PrimaryDiagnosisCodeSequence
>@code
00081303 3 SecondaryDiagnosesCodeSequence
>@code
00081304 3 HistologicalDiagnosesCodeSequence
>@code
00101010 3 PatientAge
00101020 3 PatientSize
00101030 3 PatientWeight
00101022 3 PatientBodyMassIndex
00101023 3 MeasuredAPDimension
00101024 3 MeasuredLateralDimension
00101021 3 PatientSizeCodeSequence
>@code
00102000 3 MedicalAlerts
00102110 3 Allergies
001021A0 3 SmokingStatus
001021C0 3 PregnancyStatus
001021D0 3 LastMenstrualDate
00380500 3 PatientState
00102180 3 Occupation
001021B0 3 AdditionalPatientHistory
00380010 3 AdmissionID
00380014 3 =1 IssuerOfAdmissionIDSequence
>@entity
00321066 3 ReasonForVisit
00321067 3 ReasonForVisitCodeSequence
>@code
00380060 3 ServiceEpisodeID
00380064 3 =1 IssuerOfServiceEpisodeIDSequence
>@entity
00380062 3 ServiceEpisodeDescription
00102203 2C is-animal PatientSexNeutered
00100041 3 GenderIdentitySequence
>00100044 1 =1 GenderIdentityCodeSequence
>>@code
00100043 3 SexParametersForClinicalUseCategorySequence
>00100046 1 =1 SexParametersForClinicalUseCategoryCodeSequence
>>@code
>00100042 2C ? SexParametersForClinicalUseCategoryComment
>00100047 2C ? SexParametersForClinicalUseCategoryReference
00100011 3 PersonNamesToUseSequence
>00100012 1 NameToUse
00100014 3 ThirdPersonPronounsSequence
>00100015 1 =1 PronounCodeSequence
>>@code
`],
  'C.7.2.3': ['Clinical Trial Study', `
00120050 2 ClinicalTrialTimePointID
00120055 3 IssuerOfClinicalTrialTimePointID
00120051 3 ClinicalTrialTimePointDescription
00120054 3 ClinicalTrialTimePointTypeCodeSequence
>@code
00120052 3 LongitudinalTemporalOffsetFromEvent
00120053 1C has-longitudinal-offset! LongitudinalTemporalEventType
00120083 3 ConsentForClinicalTrialUseSequence
>00120084 1C has-distribution-consent! DistributionType
>00120020 1C ? ClinicalTrialProtocolID
>00120085 1 ConsentForDistributionFlag
`],
  'C.7.3.1': ['General Series', `
00080060 1 Modality
0020000E 1 SeriesInstanceUID
00200011 2 SeriesNumber
00200060 2C ? Laterality
00080021 3 SeriesDate
00080031 3 SeriesTime
00081050 3 PerformingPhysicianName
00081052 3 PerformingPhysicianIdentificationSequence
>@person
00181030 3 ProtocolName
0008103E 3 SeriesDescription
0008103F 3 =1 SeriesDescriptionCodeSequence
>@code
00081070 3 OperatorsName
00081072 3 OperatorIdentificationSequence
>@person
00081111 3 =1 ReferencedPerformedProcedureStepSequence
>00081150 1 ReferencedSOPClassUID
>00081155 1 ReferencedSOPInstanceUID
00081250 3 RelatedSeriesSequence
>0020000D 1 StudyInstanceUID
>0020000E 1 SeriesInstanceUID
>0040A170 2 PurposeOfReferenceCodeSequence
>>@code
00180015 3 BodyPartExamined
00185100 2C ? PatientPosition
00280108 3 SmallestPixelValueInSeries
00280109 3 LargestPixelValueInSeries
00400275 3 RequestAttributesSequence
>00401001 1C ? RequestedProcedureID
>00080051 3 =1 IssuerOfAccessionNumberSequence
>>@entity
>00081110 3 ReferencedStudySequence
>>00081150 1 ReferencedSOPClassUID
>>00081155 1 ReferencedSOPInstanceUID
>00321064 3 =1 RequestedProcedureCodeSequence
>>@code
>0040100A 3 ReasonForRequestedProcedureCodeSequence
>>@code
>00400009 1C ? ScheduledProcedureStepID
>00400008 3 ScheduledProtocolCodeSequence
>>@code
>>00400440 3 ProtocolContextSequence
>>>@content-item
>>>00400441 3 ContentItemModifierSequence
>>>>@content-item
00400253 3 PerformedProcedureStepID
00400244 3 PerformedProcedureStepStartDate
00400245 3 PerformedProcedureStepStartTime
00400250 3 PerformedProcedureStepEndDate
00400251 3 PerformedProcedureStepEndTime
00400254 3 PerformedProcedureStepDescription
00400260 3 PerformedProtocolCodeSequence
>@code
>00400440 3 ProtocolContextSequence
>>@content-item
>>00400441 3 ContentItemModifierSequence
>>>@content-item
00400280 3 CommentsOnThePerformedProcedureStep
00102210 1C ? AnatomicalOrientationType
300A0700 3 TreatmentSessionUID
`],
  'C.8.12.3': ['Whole Slide Microscopy Series', `
00080060 1 Modality
00081111 1C ? =1 ReferencedPerformedProcedureStepSequence
>00081150 1 ReferencedSOPClassUID
>00081155 1 ReferencedSOPInstanceUID
`],
  'C.7.3.2': ['Clinical Trial Series', `
00120060 2 ClinicalTrialCoordinatingCenterName
00120071 3 ClinicalTrialSeriesID
00120073 3 IssuerOfClinicalTrialSeriesID
00120072 3 ClinicalTrialSeriesDescription
`],
  'C.7.4.1': ['Frame of Reference', `
00200052 1 FrameOfReferenceUID
00201040 2 PositionReferenceIndicator
`],
  'C.7.5.1': ['General Equipment', `
00080070 2 Manufacturer
00080080 3 InstitutionName
00080081 3 InstitutionAddress
00081010 3 StationName
00081040 3 InstitutionalDepartmentName
00081041 3 =1 InstitutionalDepartmentTypeCodeSequence
>@code
00081090 3 ManufacturerModelName
0018100B 3 ManufacturerDeviceClassUID
00181000 3 DeviceSerialNumber
00181020 3 SoftwareVersions
00181008 3 GantryID
0018100A 3 UDISequence
>00181009 1 UniqueDeviceIdentifier
00181002 3 DeviceUID
00181050 3 SpatialResolution
00181204 3 DateOfManufacture
00181205 3 DateOfInstallation
00181200 3 DateOfLastCalibration
00181201 3 TimeOfLastCalibration
00280120 1C has-pixel-padding-range-limit PixelPaddingValue
`],
  'C.7.5.2': ['Enhanced General Equipment', `
00080070 1 Manufacturer
00081090 1 ManufacturerModelName
00181000 1 DeviceSerialNumber
00181020 1 SoftwareVersions
`],
  'C.7.10.1': ['General Acquisition', `
00080017 3 AcquisitionUID
00200012 3 AcquisitionNumber
00080022 3 AcquisitionDate
00080032 3 AcquisitionTime
0008002A 3 AcquisitionDateTime
00189073 3 AcquisitionDuration
00201002 3 ImagesInAcquisition
00083010 3 IrradiationEventUID
`],
  'C.7.11.1': ['Multi-Resolution Pyramid', `
00080019 1 PyramidUID
00200027 3 PyramidLabel
00081088 3 PyramidDescription
`],
  'C.7.6.1': ['General Image', `
00200013 2 InstanceNumber
00200020 2C has-no-orientation PatientOrientation
00080023 2C ? ContentDate
00080033 2C ? ContentTime
00080008 3 ImageType
00204000 3 ImageComments
00280300 3 QualityControlImage
00280301 3 BurnedInAnnotation
00280302 3 RecognizableVisualFeatures
00282110 3 LossyImageCompression
00282112 3 LossyImageCompressionRatio
00282114 3 LossyImageCompressionMethod
00880200 3 =1 IconImageSequence
>00280002 1 SamplesPerPixel
>00280004 1 PhotometricInterpretation
>00280010 1 Rows
>00280011 1 Columns
>00280100 1 BitsAllocated
>00280101 1 BitsStored
>00280102 1 HighBit
>00280103 1 PixelRepresentation
>00280006 1C has-several-samples! PlanarConfiguration
>00280034 1C ? PixelAspectRatio
>00281101 1C is-palette-color RedPaletteColorLookupTableDescriptor
>00281102 1C is-palette-color GreenPaletteColorLookupTableDescriptor
>00281103 1C is-palette-color BluePaletteColorLookupTableDescriptor
>00281201 1C is-palette-color RedPaletteColorLookupTableData
>00281202 1C is-palette-color GreenPaletteColorLookupTableData
>00281203 1C is-palette-color BluePaletteColorLookupTableData
>7FE00010 1 PixelData
20500020 3 PresentationLUTShape
00409096 3 RealWorldValueMappingSequence
>00409216 1C has-no-double-first-value! RealWorldValueFirstValueMapped
>00409211 1C has-no-double-last-value! RealWorldValueLastValueMapped
>00409214 1C has-no-first-value! DoubleFloatRealWorldValueFirstValueMapped
>00409213 1C has-no-last-value! DoubleFloatRealWorldValueLastValueMapped
>00409224 1C has-no-real-world-lut! RealWorldValueIntercept
>00409225 1C has-no-real-world-lut! RealWorldValueSlope
>00409212 1C has-no-real-world-intercept! RealWorldValueLUTData
>00283003 1 LUTExplanation
>00409210 1 LUTLabel
>004008EA 1 =1 MeasurementUnitsCodeSequence
>>@code
>00409220 3 QuantityDefinitionSequence
>>@content-item
>>00400441 3 ContentItemModifierSequence
>>>@content-item
00200062 3 ImageLaterality
00082218 3 =1 AnatomicRegionSequence
>@code
>00082220 3 AnatomicRegionModifierSequence
>>@code
00082228 3 PrimaryAnatomicStructureSequence
>@code
>00082230 3 PrimaryAnatomicStructureModifierSequence
>>@code
`],
  'C.12.4': ['General Reference', `
00081140 3 ReferencedImageSequence
>@image-reference
>0040A170 3 =1 PurposeOfReferenceCodeSequence
>>@code
0008114A 3 ReferencedInstanceSequence
>00081150 1 ReferencedSOPClassUID
>00081155 1 ReferencedSOPInstanceUID
>0040A170 1 =1 PurposeOfReferenceCodeSequence
>>@code
00082111 3 DerivationDescription
00089215 3 DerivationCodeSequence
>@code
00082112 3 SourceImageSequence
>@image-reference
>0040A170 3 =1 PurposeOfReferenceCodeSequence
>>@code
>00200020 1C is-reoriented-only! PatientOrientation
00420013 3 SourceInstanceSequence
>00081150 1 ReferencedSOPClassUID
>00081155 1 ReferencedSOPInstanceUID
>0040A170 3 =1 PurposeOfReferenceCodeSequence
>>@code
`],
  'C.8.12.14': ['Microscope Slide Layer Tile Organization', `
00480006 1 TotalPixelMatrixColumns
00480007 1 TotalPixelMatrixRows
00480303 1C is-tiled-full TotalPixelMatrixFocalPlanes
00480008 1 =1 TotalPixelMatrixOriginSequence
>0040072A 1 XOffsetInSlideCoordinateSystem
>0040073A 1 YOffsetInSlideCoordinateSystem
>0040074A 1C ? ZOffsetInSlideCoordinateSystem
00480102 1C has-tile-positions ImageOrientationSlide
00480304 3 TilesOverlap
`],
  'C.7.6.3': ['Image Pixel', `
00280002 1 SamplesPerPixel
00280004 1 PhotometricInterpretation
00280010 1 Rows
00280011 1 Columns
00280100 1 BitsAllocated
00280101 1 BitsStored
00280102 1 HighBit
00280103 1 PixelRepresentation
00280006 1C has-several-samples! PlanarConfiguration
00280034 1C ? PixelAspectRatio
00280106 3 SmallestImagePixelValue
00280107 3 LargestImagePixelValue
00281101 1C is-palette-color RedPaletteColorLookupTableDescriptor
00281102 1C is-palette-color GreenPaletteColorLookupTableDescriptor
00281103 1C is-palette-color BluePaletteColorLookupTableDescriptor
00281201 1C is-palette-color RedPaletteColorLookupTableData
00281202 1C is-palette-color GreenPaletteColorLookupTableData
00281203 1C is-palette-color BluePaletteColorLookupTableData
00282000 3 ICCProfile
00282002 3 ColorSpace
7FE00010 1C has-no-pixel-data-url! PixelData
00287FE0 1C ? PixelDataProviderURL
00280121 1C ? PixelPaddingRangeLimit
7FE00001 3 ExtendedOffsetTable
7FE00002 1C has-extended-offset-table! ExtendedOffsetTableLengths
`],
  'C.7.6.14': ['Acquisition Context', `
00400555 2 AcquisitionContextSequence
>@content-item
>00400441 3 ContentItemModifierSequence
>>@content-item
00400556 3 AcquisitionContextDescription
`],
  'C.7.6.16': ['Multi-frame Functional Groups', `
52009229 1 =1 SharedFunctionalGroupsSequence
52009230 1C ? PerFrameFunctionalGroupsSequence
00200013 1 InstanceNumber
00080023 1 ContentDate
00080033 1 ContentTime
00280008 1 NumberOfFrames
00220028 3 StereoPairsPresent
00209228 1C has-concatenation-uid! ConcatenationFrameOffsetNumber
00286010 3 RepresentativeFrameNumber
00209161 1C ? ConcatenationUID
00200242 1C has-concatenation-uid! SOPInstanceUIDOfConcatenationSource
00209162 1C has-concatenation-uid! InConcatenationNumber
00209163 3 InConcatenationTotalNumber
7FE00003 3 EncapsulatedPixelDataValueTotalLength
`],
  'C.7.6.17': ['Multi-frame Dimension', `
00209221 1 DimensionOrganizationSequence
>00209164 1 DimensionOrganizationUID
00209311 3 DimensionOrganizationType
00209222 1C is-not-tiled-full DimensionIndexSequence
>00209165 1 DimensionIndexPointer
>00209213 1C has-private-index-pointer! DimensionIndexPrivateCreator
>00209167 1C points-into-functional-group! FunctionalGroupPointer
>00209238 1C has-private-group-pointer! FunctionalGroupPrivateCreator
>00209164 1 DimensionOrganizationUID
`],
  'C.7.6.22': ['Specimen', `
00400512 1 ContainerIdentifier
00400513 2 =1 IssuerOfTheContainerIdentifierSequence
>@entity
00400515 3 AlternateContainerIdentifierSequence
>00400512 1 ContainerIdentifier
>00400513 2 =1 IssuerOfTheContainerIdentifierSequence
>>@entity
00400518 2 =1 ContainerTypeCodeSequence
>@code
0040051A 3 ContainerDescription
00400520 3 ContainerComponentSequence
>00500012 1 =1 ContainerComponentTypeCodeSequence
>>@code
00400560 1 SpecimenDescriptionSequence
>00400551 1 SpecimenIdentifier
>00400562 2 =1 IssuerOfTheSpecimenIdentifierSequence
>>@entity
>00400554 1 SpecimenUID
>0040059A 3 =1 SpecimenTypeCodeSequence
>>@code
>00400610 2 SpecimenPreparationSequence
>>00400612 1 SpecimenPreparationStepContentItemSequence
>>>@content-item
>00082228 3 PrimaryAnatomicStructureSequence
>>@code
>>00082230 3 PrimaryAnatomicStructureModifierSequence
>>>@code
>00400620 1C ? SpecimenLocalizationContentItemSequence
>>@content-item
`],
  'C.8.12.4': ['Whole Slide Microscopy Image', `
00080008 1 ImageType
00480001 1C is-volume ImagedVolumeWidth
00480002 1C is-volume ImagedVolumeHeight
00480003 1C is-volume ImagedVolumeDepth
00280002 1 SamplesPerPixel
00280004 1 PhotometricInterpretation
00280006 1C has-several-samples! PlanarConfiguration
00280008 1 NumberOfFrames
00280100 1 BitsAllocated
00280101 1 BitsStored
00280102 1 HighBit
00280103 1 PixelRepresentation
0008002A 1 AcquisitionDateTime
00189073 3 AcquisitionDuration
00282110 1 LossyImageCompression
00282112 1C is-lossy! LossyImageCompressionRatio
00282114 1C is-lossy! LossyImageCompressionMethod
20500020 1C is-monochrome2! PresentationLUTShape
00281052 1C is-monochrome2! RescaleIntercept
00281053 1C is-monochrome2! RescaleSlope
00089206 1 VolumetricProperties
00480010 1 SpecimenLabelInImage
00280301 1 BurnedInAnnotation
00480011 1 FocusMethod
00480012 1 ExtendedDepthOfField
00480013 1C is-extended-depth-of-field! NumberOfFocalPlanes
00480014 1C is-extended-depth-of-field! DistanceBetweenFocalPlanes
00181400 3 AcquisitionDeviceProcessingDescription
00181210 3 ConvolutionKernel
00480015 3 RecommendedAbsentPixelCIELabValue
`],
  'C.8.12.5': ['Optical Path', `
00480302 1C is-tiled-full NumberOfOpticalPaths
00480105 1 OpticalPathSequence
>00480106 1 OpticalPathIdentifier
>00480100 3 =1 IlluminatorTypeCodeSequence
>>@code
>00220055 1C has-no-illumination-color IlluminationWaveLength
>00480108 1C has-no-illumination-wave-length =1 IlluminationColorCodeSequence
>>@code
>00220016 1 IlluminationTypeCodeSequence
>>@code
>00220017 3 LightPathFilterTypeStackCodeSequence
>>@code
>00220018 3 ImagePathFilterTypeStackCodeSequence
>>@code
>00220019 3 LensesCodeSequence
>>@code
>0022001A 1C ? ChannelDescriptionCodeSequence
>>@code
>00480120 3 =1 PaletteColorLookupTableSequence
>>00281101 1 RedPaletteColorLookupTableDescriptor
>>00281102 1 GreenPaletteColorLookupTableDescriptor
>>00281103 1 BluePaletteColorLookupTableDescriptor
>>00281201 1C is-palette-color RedPaletteColorLookupTableData
>>00281202 1C is-palette-color GreenPaletteColorLookupTableData
>>00281203 1C is-palette-color BluePaletteColorLookupTableData
>>00281221 1C ? SegmentedRedPaletteColorLookupTableData
>>00281222 1C ? SegmentedGreenPaletteColorLookupTableData
>>00281223 1C ? SegmentedBluePaletteColorLookupTableData
>00282000 1C is-in-color! ICCProfile
`],
  'C.8.12.8': ['Slide Label', `
22000005 2 BarcodeValue
22000002 2 LabelText
`],
  'C.12.1': ['SOP Common', `
00080016 1 SOPClassUID
00080018 1 SOPInstanceUID
00080005 1C ? SpecificCharacterSet
00080012 3 InstanceCreationDate
00080013 3 InstanceCreationTime
00080015 3 InstanceCoercionDateTime
00080014 3 InstanceCreatorUID
0008001A 3 RelatedGeneralSOPClassUID
0008001B 3 OriginalSpecializedSOPClassUID
0008001C 3 SyntheticData
00080110 3 CodingSchemeIdentificationSequence
>00080102 1 CodingSchemeDesignator
>00080112 1C ? CodingSchemeRegistry
>0008010C 1C ? CodingSchemeUID
>00080114 2C ? CodingSchemeExternalID
>00080109 3 CodingSchemeResourcesSequence
>>0008010A 1 CodingSchemeURLType
>>0008010E 1 CodingSchemeURL
00080123 3 ContextGroupIdentificationSequence
>0008010F 1 ContextIdentifier
>00080105 1 MappingResource
>00080106 1 ContextGroupVersion
00080124 3 MappingResourceIdentificationSequence
>00080105 1 MappingResource
00080201 3 TimezoneOffsetFromUTC
0018A001 3 ContributingEquipmentSequence
>0040A170 1 =1 PurposeOfReferenceCodeSequence
>>@code
>00080070 1 Manufacturer
>00081041 3 =1 InstitutionalDepartmentTypeCodeSequence
>>@code
>00081072 3 OperatorIdentificationSequence
>>@person
>0018100A 3 UDISequence
>>00181009 1 UniqueDeviceIdentifier
00200013 3 InstanceNumber
01000410 3 SOPInstanceStatus
01000420 3 SOPAuthorizationDateTime
01000424 3 SOPAuthorizationComment
01000426 3 AuthorizationEquipmentCertificationNumber
4FFE0001 3 MACParametersSequence
>04000005 1 MACIDNumber
>04000010 1 MACCalculationTransferSyntaxUID
>04000015 1 MACAlgorithm
>04000020 1 DataElementsSigned
FFFAFFFA 3 DigitalSignaturesSequence
>04000005 1 MACIDNumber
>04000100 1 DigitalSignatureUID
>04000105 1 DigitalSignatureDateTime
>04000110 1 CertificateType
>04000115 1 CertificateOfSigner
>04000120 1 Signature
>04000305 1C has-certified-timestamp! CertifiedTimestampType
>04000401 3 =1 DigitalSignaturePurposeCodeSequence
>>@code
04000500 1C ? EncryptedAttributesSequence
>04000510 1 EncryptedContentTransferSyntaxUID
>04000520 1 EncryptedContent
04000561 3 OriginalAttributesSequence
>04000564 2 SourceOfPreviousValues
>04000562 1 AttributeModificationDateTime
>04000563 1 ModifyingSystem
>04000565 1 ReasonForTheAttributeModification
>04000550 1 =1 ModifiedAttributesSequence
>04000551 3 NonconformingModifiedAttributesSequence
>>00720026 1C ? SelectorAttribute
>>00720028 1C ? SelectorValueNumber
>>00720052 1C ? SelectorSequencePointer
>>00720054 1C ? SelectorSequencePointerPrivateCreator
>>00741057 1C has-selector-sequence-pointer! SelectorSequencePointerItems
>>00720056 1C ? SelectorAttributePrivateCreator
>>04000552 1 NonconformingDataElementValue
0040A390 1C ? HL7StructuredDocumentReferenceSequence
>00081150 1 ReferencedSOPClassUID
>00081155 1 ReferencedSOPInstanceUID
>0040E001 1 HL7InstanceIdentifier
00280303 3 LongitudinalTemporalInformationModified
00080053 1C ? QueryRetrieveView
00209172 1C ? ConversionSourceAttributesSequence
>@image-reference
00189004 3 ContentQualification
00080300 3 PrivateDataElementCharacteristicsSequence
>00080301 1 PrivateGroupReference
>00080302 1 PrivateCreatorReference
>00080310 3 PrivateDataElementDefinitionSequence
>>00080308 1 PrivateDataElement
>>00080309 1 PrivateDataElementValueMultiplicity
>>0008030A 1 PrivateDataElementValueRepresentation
>>0008030B 1C defines-private-sequence! PrivateDataElementNumberOfItems
>>0008030D 1 PrivateDataElementKeyword
>>0008030C 1 PrivateDataElementName
>00080303 1 BlockIdentifyingInformationStatus
>00080304 1C is-private-block-mixed! NonidentifyingPrivateElements
>00080305 3 DeidentificationActionSequence
>>00080306 1 IdentifyingPrivateElements
>>00080307 1 DeidentificationAction
04000600 3 InstanceOriginStatus
22000005 3 BarcodeValue
0018990C 1C ? ReferencedDefinedProtocolSequence
>00081150 1 ReferencedSOPClassUID
>00081155 1 ReferencedSOPInstanceUID
0018990D 1C ? ReferencedPerformedProtocolSequence
>00081150 1 ReferencedSOPClassUID
>00081155 1 ReferencedSOPInstanceUID
`],
  'C.12.2': ['Common Instance Reference', `
00081115 1C ? ReferencedSeriesSequence
>0020000E 1 SeriesInstanceUID
>0008114A 1 ReferencedInstanceSequence
>>00081150 1 ReferencedSOPClassUID
>>00081155 1 ReferencedSOPInstanceUID
00081200 1C ? StudiesContainingOtherReferencedInstancesSequence
>0020000D 1 StudyInstanceUID
>00081115 1 ReferencedSeriesSequence
>>0020000E 1 SeriesInstanceUID
>>0008114A 1 ReferencedInstanceSequence
>>>00081150 1 ReferencedSOPClassUID
>>>00081155 1 ReferencedSOPInstanceUID
`],
  'C.12.3': ['Frame Extraction', `
00081164 1 FrameExtractionSequence
>00081167 1 MultiFrameSourceSOPInstanceUID
>00081161 1C ? SimpleFrameList
>00081162 1C ? CalculatedFrameList
>00081163 1C ? TimeRange
`],
  'C.7.6.12': ['Device', `
00500010 1 DeviceSequence
>@code
>00500017 2C has-device-diameter! DeviceDiameterUnits
`],
  'C.8.12.1': ['VL Image', `
00080008 1 ImageType
00280004 1 PhotometricInterpretation
00280100 1 BitsAllocated
00280101 1 BitsStored
00280102 1 HighBit
00280103 1 PixelRepresentation
00280002 1 SamplesPerPixel
00280006 1C has-several-samples! PlanarConfiguration
00080033 1C ? ContentTime
00282110 2 LossyImageCompression
00081140 1C is-stereo ReferencedImageSequence
>@image-reference
>0040A170 2 =1 PurposeOfReferenceCodeSequence
>>@code
00281050 3 WindowCenter
00281051 1C has-window-center! WindowWidth
00200062 3 ImageLaterality
00540220 3 =1 ViewCodeSequence
>@code
>00540222 3 ViewModifierCodeSequence
>>@code
00082218 1C is-multi-frame-without-specimen =1 AnatomicRegionSequence
>@code
>00082220 3 AnatomicRegionModifierSequence
>>@code
00082228 3 PrimaryAnatomicStructureSequence
>@code
>00082230 3 PrimaryAnatomicStructureModifierSequence
>>@code
0022001A 3 ChannelDescriptionCodeSequence
>@code
00280030 3 PixelSpacing
00181164 3 ImagerPixelSpacing
`],
  'C.11.15': ['ICC Profile', `
00282000 1 ICCProfile
00282002 3 ColorSpace
`],
  'C.8.12.2': ['Slide Coordinates', `
0040071A 2 =1 ImageCenterPointCoordinatesSequence
>0040072A 1 XOffsetInSlideCoordinateSystem
>0040073A 1 YOffsetInSlideCoordinateSystem
>0040074A 2 ZOffsetInSlideCoordinateSystem
`],
  'C.8.12.10': ['VL Photographic Equipment', `
0016004D 3 CameraOwnerName
0016004E 3 LensSpecification
0016004F 3 LensMake
00160050 3 LensModel
00160051 3 LensSerialNumber
`],
  'C.8.12.11': ['VL Photographic Acquisition', `
00160001 3 WhitePoint
00160002 3 PrimaryChromaticities
00160003 3 BatteryLevel
00160004 3 ExposureTimeInSeconds
00160005 3 FNumber
00160006 3 OECFRows
00160007 3 OECFColumns
00160008 3 OECFColumnNames
00160009 3 OECFValues
0016000A 3 SpatialFrequencyResponseRows
0016000B 3 SpatialFrequencyResponseColumns
0016000C 3 SpatialFrequencyResponseColumnNames
0016000D 3 SpatialFrequencyResponseValues
0016000E 3 ColorFilterArrayPatternRows
0016000F 3 ColorFilterArrayPatternColumns
00160010 3 ColorFilterArrayPatternValues
00160016 3 ExposureProgram
00160017 3 SpectralSensitivity
00160018 3 PhotographicSensitivity
0016001A 3 SensitivityType
0016001B 3 StandardOutputSensitivity
0016001C 3 RecommendedExposureIndex
0016001D 3 ISOSpeed
0016001E 3 ISOSpeedLatitudeyyy
0016001F 3 ISOSpeedLatitudezzz
00160020 3 EXIFVersion
00160021 3 ShutterSpeedValue
00160022 3 ApertureValue
00160023 3 BrightnessValue
00160024 3 ExposureBiasValue
00160025 3 MaxApertureValue
00160026 3 SubjectDistance
00160027 3 MeteringMode
00160028 3 LightSource
00160011 3 FlashFiringStatus
00160012 3 FlashReturnStatus
00160013 3 FlashMode
00160014 3 FlashFunctionPresent
00160015 3 FlashRedEyeMode
00160029 3 FocalLength
0016002A 3 SubjectArea
0016002B 3 MakerNote
00160030 3 Temperature
00160031 3 Humidity
00160032 3 Pressure
00160033 3 WaterDepth
00160034 3 Acceleration
00160035 3 CameraElevationAngle
00160036 3 FlashEnergy
00160037 3 SubjectLocation
00160038 3 PhotographicExposureIndex
00160039 3 SensingMethod
0016003A 3 FileSource
0016003B 3 SceneType
00160041 3 CustomRendered
00160042 3 ExposureMode
00160043 3 WhiteBalance
00160044 3 DigitalZoomRatio
00160045 3 FocalLengthIn35mmFilm
00160046 3 SceneCaptureType
00160047 3 GainControl
00160048 3 Contrast
00160049 3 Saturation
0016004A 3 Sharpness
0016004B 3 DeviceSettingDescription
0016004C 3 SubjectDistanceRange
00160019 3 SelfTimerMode
00160061 3 InteroperabilityIndex
00160062 3 InteroperabilityVersion
`],
  'C.8.12.12': ['VL Photographic Geolocation', `
00160070 3 GPSVersionID
00160071 3 GPSLatitudeRef
00160072 3 GPSLatitude
00160073 3 GPSLongitudeRef
00160074 3 GPSLongitude
00160075 3 GPSAltitudeRef
00160076 3 GPSAltitude
00160077 3 GPSTimeStamp
00160078 3 GPSSatellites
00160079 3 GPSStatus
0016007A 3 GPSMeasureMode
0016007B 3 GPSDOP
0016007C 3 GPSSpeedRef
0016007D 3 GPSSpeed
0016007E 3 GPSTrackRef
0016007F 3 GPSTrack
00160080 3 GPSImgDirectionRef
00160081 3 GPSImgDirection
00160082 3 GPSMapDatum
00160083 3 GPSDestLatitudeRef
00160084 3 GPSDestLatitude
00160085 3 GPSDestLongitudeRef
00160086 3 GPSDestLongitude
00160087 3 GPSDestBearingRef
00160088 3 GPSDestBearing
00160089 3 GPSDestDistanceRef
0016008A 3 GPSDestDistance
0016008B 3 GPSProcessingMethod
0016008C 3 GPSAreaInformation
0016008D 3 GPSDateStamp
0016008E 3 GPSDifferential
`],
  'C.7.4.2': ['Synchronization', `
00200200 1 SynchronizationFrameOfReferenceUID
0018106A 1 SynchronizationTrigger
00181061 3 TriggerSourceOrType
0018106C 1C ? SynchronizationChannel
00181800 1 AcquisitionTimeSynchronized
00181801 3 TimeSource
00181802 3 TimeDistributionProtocol
00181803 3 NTPSourceAddress
`],
  'C.8.6.1': ['SC Equipment', `
00080064 1 ConversionType
00080060 3 overrides Modality
00181010 3 SecondaryCaptureDeviceID
00181016 3 SecondaryCaptureDeviceManufacturer
00181018 3 SecondaryCaptureDeviceManufacturerModelName
00181019 3 SecondaryCaptureDeviceSoftwareVersions
00181022 3 VideoImageFormatAcquired
00181023 3 DigitalImageFormatAcquired
`],
  'C.7.6.30': ['Enhanced Patient Orientation', `
00540410 1 =1 PatientOrientationCodeSequence
>@code
>00540412 1C ? =1 PatientOrientationModifierCodeSequence
>>@code
30100030 1 =1 PatientEquipmentRelationshipCodeSequence
>@code
`],
  'C.7.6.2': ['Image Plane', `
00280030 1 PixelSpacing
00200037 1 ImageOrientationPatient
00200032 1 ImagePositionPatient
00180050 2 SliceThickness
00180088 3 SpacingBetweenSlices
00201041 3 SliceLocation
`],
  'C.8.6.2': ['SC Image', `
00181012 3 DateOfSecondaryCapture
00181014 3 TimeOfSecondaryCapture
00182010 3 NominalScannedPixelSpacing
0040E008 3 DocumentClassCodeSequence
>@code
00280030 1C ? PixelSpacing
00280A02 3 PixelSpacingCalibrationType
00280A04 1C has-spacing-calibration! PixelSpacingCalibrationDescription
00540220 3 =1 ViewCodeSequence
>@code
>00540222 3 ViewModifierCodeSequence
>>@code
00540500 3 SliceProgressionDirection
`],
  'C.11.1': ['Modality LUT', `
00283000 1C has-no-rescale-intercept! =1 ModalityLUTSequence
>00283002 1 LUTDescriptor
>00283004 1 ModalityLUTType
>00283006 1 LUTData
00281052 1C has-no-modality-lut! RescaleIntercept
00281053 1C has-rescale-intercept! RescaleSlope
00281054 1C has-rescale-intercept! RescaleType
`],
  'C.11.2': ['VOI LUT', `
00283010 1C has-no-window-center VOILUTSequence
>00283002 1 LUTDescriptor
>00283006 1 LUTData
00281050 1C has-no-voi-lut WindowCenter
00281051 1C has-window-center! WindowWidth
00281055 3 WindowCenterWidthExplanation
00281056 3 VOILUTFunction
`],
  'C.7.6.5': ['Cine', `
00181244 3 PreferredPlaybackSequencing
00181063 1C is-timed-by-frame-time FrameTime
00181065 1C is-timed-by-vector FrameTimeVector
00082142 3 StartTrim
00082143 3 StopTrim
00082144 3 RecommendedDisplayFrameRate
00180040 3 CineRate
00181066 3 FrameDelay
00181067 3 ImageTriggerDelay
00180072 3 EffectiveDuration
00181242 3 ActualFrameDuration
003A0300 2C ? MultiplexedAudioChannelsDescriptionCodeSequence
>003A0301 1 ChannelIdentificationCode
>003A0302 1 ChannelMode
>003A0208 1 =1 ChannelSourceSequence
>>@code
`],
  'C.7.6.6': ['Multi-frame', `
00280008 1 NumberOfFrames
00280009 1C has-several-frames! FrameIncrementPointer
00220028 3 StereoPairsPresent
7FE00003 3 EncapsulatedPixelDataValueTotalLength
`],
  'C.7.6.9': ['Frame Pointers', `
00286010 3 RepresentativeFrameNumber
00286020 3 FrameNumbersOfInterest
00286022 3 FrameOfInterestDescription
00286023 3 FrameOfInterestType
`],
  'C.8.6.3': ['SC Multi-frame Image', `
00280301 1 BurnedInAnnotation
00280302 3 RecognizableVisualFeatures
20500020 1C is-monochrome2-above-one-bit! PresentationLUTShape
2010015E 3 Illumination
20100160 3 ReflectedAmbientLight
00281052 1C is-monochrome2-above-one-bit! RescaleIntercept
00281053 1C is-monochrome2-above-one-bit! RescaleSlope
00281054 1C is-monochrome2-above-one-bit! RescaleType
00280009 1C has-several-frames! FrameIncrementPointer
00182010 1C is-digitized-film NominalScannedPixelSpacing
00280030 1C ? PixelSpacing
00280A02 3 PixelSpacingCalibrationType
00280A04 1C has-spacing-calibration! PixelSpacingCalibrationDescription
00182020 3 DigitizingDeviceTransportDirection
00182030 3 RotationOfScannedFilm
`],
  'C.8.6.4': ['SC Multi-frame Vector', `
00181065 1C is-timed-by-vector! FrameTimeVector
00182001 1C is-paged! PageNumberVector
00182002 1C is-labelled-by-frame! FrameLabelVector
00182003 1C is-angled! FramePrimaryAngleVector
00182004 1C is-angled-twice! FrameSecondaryAngleVector
00182005 1C is-located-by-slice! SliceLocationVector
00182006 1C is-labelled-by-window! DisplayWindowLabelVector
`],
  'C.19.1': ['Raw Data', `
00200013 2 InstanceNumber
00080023 1 ContentDate
00080033 1 ContentTime
0008002A 3 AcquisitionDateTime
00700080 3 ContentLabel
00700081 3 ContentDescription
0040A043 3 =1 ConceptNameCodeSequence
>@code
00200062 3 ImageLaterality
00089123 1 CreatorVersionUID
0008114A 3 ReferencedInstanceSequence
>@image-reference
>0040A170 1 =1 PurposeOfReferenceCodeSequence
>>@code
`],
};

/** Functional group macros by name; the first line is the sequence that holds the group. */
export const functionalGroupLines: Readonly<Record<string, string>> = {
  'Pixel Measures': `
00289110 1 =1 PixelMeasuresSequence
>00280030 1C is-image-of-tissue PixelSpacing
>00180050 1C is-image-of-tissue SliceThickness
>00180088 1C has-several-focal-planes SpacingBetweenSlices
`,
  'Frame Content': `
00209111 1 =1 FrameContentSequence
>00189151 1C ? FrameReferenceDateTime
>00189074 1C ? FrameAcquisitionDateTime
>00189220 1C ? FrameAcquisitionDuration
>00209157 1C has-dimension-index! DimensionIndexValues
>00209128 1C ? TemporalPositionIndex
>00209056 1C ? StackID
>00209057 1C has-stack-id! InStackPositionNumber
`,
  'Referenced Image': `
00081140 2 ReferencedImageSequence
>@image-reference
>0040A170 1C always =1 PurposeOfReferenceCodeSequence
>>@code
`,
  'Derivation Image': `
00089124 2 DerivationImageSequence
>00089215 1C always DerivationCodeSequence
>>@code
>00082112 2 SourceImageSequence
>>@image-reference
>>0040A170 1C always =1 PurposeOfReferenceCodeSequence
>>>@code
>>00200020 1C is-reoriented-only! PatientOrientation
`,
  'Real World Value Mapping': `
00409096 1 RealWorldValueMappingSequence
>00409216 1C has-no-double-first-value! RealWorldValueFirstValueMapped
>00409211 1C has-no-double-last-value! RealWorldValueLastValueMapped
>00409214 1C has-no-first-value! DoubleFloatRealWorldValueFirstValueMapped
>00409213 1C has-no-last-value! DoubleFloatRealWorldValueLastValueMapped
>00409224 1C has-no-real-world-lut! RealWorldValueIntercept
>00409225 1C has-no-real-world-lut! RealWorldValueSlope
>00409212 1C has-no-real-world-intercept! RealWorldValueLUTData
>00283003 1 LUTExplanation
>00409210 1 LUTLabel
>004008EA 1 =1 MeasurementUnitsCodeSequence
>>@code
>00409220 3 QuantityDefinitionSequence
>>@content-item
>>00400441 3 ContentItemModifierSequence
>>>@content-item
`,
  'Plane Position (Slide)': `
0048021A 1 =1 PlanePositionSlideSequence
>0048021E 1 ColumnPositionInTotalImagePixelMatrix
>0048021F 1 RowPositionInTotalImagePixelMatrix
>0040072A 1 XOffsetInSlideCoordinateSystem
>0040073A 1 YOffsetInSlideCoordinateSystem
>0040074A 1 ZOffsetInSlideCoordinateSystem
`,
  'Optical Path Identification': `
00480207 1 =1 OpticalPathIdentificationSequence
>00480106 1 OpticalPathIdentifier
`,
  'Specimen Reference': `
00480110 2 SpecimenReferenceSequence
>00400554 1 SpecimenUID
`,
  'Whole Slide Microscopy Image Frame Type': `
00400710 1 =1 WholeSlideMicroscopyImageFrameTypeSequence
>00089007 1 FrameType
`,
};

/**
 * Which modules an IOD has: M mandatory, U user option, C conditional with the name of its condition. In the order
 * of the table of PS3.3 Annex A; functional groups after them.
 */
export const iodLines: readonly { readonly uid: string; readonly name: string; readonly modules: string; readonly groups: string }[] = [
  {
    uid: '1.2.840.10008.5.1.4.1.1.77.1.6',
    name: 'VL Whole Slide Microscopy Image',
    modules: `
C.7.1.1 M
C.7.1.3 U
C.7.2.1 M
C.7.2.2 U
C.7.2.3 U
C.7.3.1 M
C.8.12.3 M
C.7.3.2 U
C.7.4.1 C is-volume-or-thumbnail
C.7.5.1 M
C.7.5.2 M
C.7.10.1 M
C.7.11.1 U
C.7.6.1 M
C.12.4 U
C.8.12.14 M
C.7.6.3 M
C.7.6.14 M
C.7.6.16 M
C.7.6.17 M
C.7.6.22 M
C.8.12.4 M
C.8.12.5 M
C.8.12.8 C is-label
C.12.1 M
C.12.2 M
C.12.3 C ?
`,
    groups: `
M Pixel Measures
U Frame Content
U Referenced Image
C ? Derivation Image
U Real World Value Mapping
C is-not-tiled-full Plane Position (Slide)
C is-not-tiled-full Optical Path Identification
U Specimen Reference
M Whole Slide Microscopy Image Frame Type
`,
  },
  {
    uid: '1.2.840.10008.5.1.4.1.1.77.1.2',
    name: 'VL Microscopic Image',
    modules: `
C.7.1.1 M
C.7.1.3 U
C.7.2.1 M
C.7.2.2 U
C.7.2.3 U
C.7.3.1 M
C.7.3.2 U
C.7.5.1 M
C.7.10.1 M
C.7.6.1 M
C.12.4 U
C.7.6.3 M
C.7.6.14 M
C.7.6.12 U
C.7.6.22 C ?
C.8.12.1 M
C.8.12.5 U
C.11.15 U
C.12.1 M
C.12.2 U
`,
    groups: ``,
  },
  {
    uid: '1.2.840.10008.5.1.4.1.1.77.1.3',
    name: 'VL Slide-Coordinates Microscopic Image',
    modules: `
C.7.1.1 M
C.7.1.3 U
C.7.2.1 M
C.7.2.2 U
C.7.2.3 U
C.7.3.1 M
C.7.3.2 U
C.7.4.1 M
C.7.5.1 M
C.7.10.1 M
C.7.6.1 M
C.12.4 U
C.7.6.3 M
C.7.6.14 M
C.7.6.12 U
C.7.6.22 M
C.8.12.1 M
C.8.12.2 M
C.8.12.5 U
C.11.15 U
C.12.1 M
C.12.2 U
`,
    groups: ``,
  },
  {
    uid: '1.2.840.10008.5.1.4.1.1.77.1.4',
    name: 'VL Photographic Image',
    modules: `
C.7.1.1 M
C.7.1.3 U
C.7.2.1 M
C.7.2.2 U
C.7.2.3 U
C.7.3.1 M
C.7.3.2 U
C.7.5.1 M
C.8.12.10 U
C.7.10.1 M
C.7.6.1 M
C.12.4 U
C.7.6.3 M
C.7.6.14 M
C.7.6.12 U
C.7.6.22 C ?
C.8.12.1 M
C.8.12.11 U
C.8.12.12 U
C.11.15 U
C.12.1 M
C.12.2 U
`,
    groups: ``,
  },
  {
    uid: '1.2.840.10008.5.1.4.1.1.7',
    name: 'Secondary Capture Image',
    modules: `
C.7.1.1 M
C.7.1.3 U
C.7.2.1 M
C.7.2.2 U
C.7.2.3 U
C.7.3.1 M
C.7.3.2 U
C.7.4.1 C has-patient-plane
C.7.4.2 U
C.7.5.1 U
C.8.6.1 M
C.7.10.1 M
C.7.6.1 M
C.12.4 U
C.7.6.30 U
C.7.6.2 U
C.7.6.3 M
C.7.6.12 U
C.7.6.22 U
C.8.6.2 M
C.11.1 U
C.11.2 U
C.11.15 U
C.12.1 M
C.12.2 U
`,
    groups: ``,
  },
  {
    uid: '1.2.840.10008.5.1.4.1.1.7.1',
    name: 'Multi-frame Single Bit Secondary Capture Image',
    modules: `
C.7.1.1 M
C.7.1.3 U
C.7.2.1 M
C.7.2.2 U
C.7.2.3 U
C.7.3.1 M
C.7.3.2 U
C.7.5.1 U
C.8.6.1 M
C.7.4.1 C has-plane-groups
C.7.4.2 U
C.7.10.1 M
C.7.6.1 M
C.12.4 U
C.7.6.30 U
C.7.6.3 M
C.7.6.5 C is-timed
C.7.6.6 M
C.7.6.9 U
C.7.6.12 U
C.7.6.16 U
C.7.6.17 U
C.7.6.22 U
C.8.6.2 U
C.8.6.3 M
C.8.6.4 C has-several-frames
C.12.1 M
C.12.2 U
C.12.3 C ?
`,
    groups: `
C ? Pixel Measures
`,
  },
  {
    uid: '1.2.840.10008.5.1.4.1.1.7.2',
    name: 'Multi-frame Grayscale Byte Secondary Capture Image',
    modules: `
C.7.1.1 M
C.7.1.3 U
C.7.2.1 M
C.7.2.2 U
C.7.2.3 U
C.7.3.1 M
C.7.3.2 U
C.7.5.1 U
C.8.6.1 M
C.7.4.1 C has-plane-groups
C.7.4.2 U
C.7.10.1 M
C.7.6.1 M
C.12.4 U
C.7.6.30 U
C.7.6.3 M
C.7.6.5 C is-timed
C.7.6.6 M
C.7.6.9 U
C.7.6.12 U
C.7.6.16 U
C.7.6.17 U
C.7.6.22 U
C.8.6.2 U
C.8.6.3 M
C.8.6.4 C has-several-frames
C.11.2 C ?
C.12.1 M
C.12.2 U
C.12.3 C ?
`,
    groups: `
C ? Pixel Measures
`,
  },
  {
    uid: '1.2.840.10008.5.1.4.1.1.7.3',
    name: 'Multi-frame Grayscale Word Secondary Capture Image',
    modules: `
C.7.1.1 M
C.7.1.3 U
C.7.2.1 M
C.7.2.2 U
C.7.2.3 U
C.7.3.1 M
C.7.3.2 U
C.7.5.1 U
C.8.6.1 M
C.7.4.1 C has-plane-groups
C.7.4.2 U
C.7.10.1 M
C.7.6.1 M
C.12.4 U
C.7.6.30 U
C.7.6.3 M
C.7.6.5 C is-timed
C.7.6.6 M
C.7.6.9 U
C.7.6.12 U
C.7.6.16 U
C.7.6.17 U
C.7.6.22 U
C.8.6.2 U
C.8.6.3 M
C.8.6.4 C has-several-frames
C.11.2 C ?
C.12.1 M
C.12.2 U
C.12.3 C ?
`,
    groups: `
C ? Pixel Measures
`,
  },
  {
    uid: '1.2.840.10008.5.1.4.1.1.7.4',
    name: 'Multi-frame True Color Secondary Capture Image',
    modules: `
C.7.1.1 M
C.7.1.3 U
C.7.2.1 M
C.7.2.2 U
C.7.2.3 U
C.7.3.1 M
C.7.3.2 U
C.7.4.1 C has-plane-groups
C.7.4.2 U
C.7.5.1 U
C.8.6.1 M
C.7.10.1 M
C.7.6.1 M
C.12.4 U
C.7.6.30 U
C.7.6.3 M
C.7.6.5 C is-timed
C.7.6.6 M
C.7.6.9 U
C.7.6.12 U
C.7.6.16 U
C.7.6.17 U
C.7.6.22 U
C.8.6.2 U
C.8.6.3 M
C.8.6.4 C has-several-frames
C.11.15 U
C.12.1 M
C.12.2 U
C.12.3 C ?
`,
    groups: `
C ? Pixel Measures
`,
  },
  {
    uid: '1.2.840.10008.5.1.4.1.1.66',
    name: 'Raw Data',
    modules: `
C.7.1.1 M
C.7.1.3 U
C.7.2.1 M
C.7.2.2 U
C.7.2.3 U
C.7.3.1 M
C.7.3.2 U
C.7.4.1 U
C.7.4.2 C ?
C.7.5.1 M
C.7.6.14 M
C.7.6.22 U
C.19.1 M
C.12.1 M
`,
    groups: ``,
  },
];
